"""Executable checks of the claims that no single number decides, a file a paper, a function a check.

Each takes run records (see :func:`musicgenre.runs.read_records`) and returns a :class:`musicgenre.verdicts.Judgement`; the rule that
it carries out stands beside the claim in the paper's YAML file.
"""
