"""Executable checks, a file a paper, a function a check; each names the claim (C) or contradiction (X) of the paper's YAML file.

A check of a claim takes run records (see :func:`musicgenre.runs.read_records`) and returns a
:class:`musicgenre.judgements.Judgement`, by the rule that stands beside the claim. A check of a contradiction takes the paper's own
numbers and returns what follows from them.
"""
