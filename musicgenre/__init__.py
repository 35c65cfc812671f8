"""Replicate five papers on music genre classification, and test their claims on honest splits.

The package is the thin library under the book of the same name. Read it in this order:
:mod:`papers`, :mod:`corpora`, :mod:`features`, :mod:`splits`, :mod:`models`, :mod:`experiments`,
:mod:`evaluation`, :mod:`runs`, :mod:`plots`, :mod:`cli`. Each builds only on those before it.
"""

__version__ = "0.1.0"
