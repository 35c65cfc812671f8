"""Replicate five papers on music genre classification, and test their claims on honest splits.

The package is the thin library under the book of the same name. Read it in this order:
schemas, papers, corpora, features, faults, splits, models, augment, experiments, evaluation, runs, judgements, checks, verdicts, tables,
plots, cli.
Each builds only on those before it, and on errors and settings.
"""

__version__ = "0.1.0"
