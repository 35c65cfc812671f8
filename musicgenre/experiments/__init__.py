"""Experiments: models, features, segments and training settings put together, and how they are run.

Each paper has a file with its ``EXPERIMENTS``; :func:`get` and :func:`of_paper` find them by name.
"""

from importlib import import_module

from musicgenre import papers
from musicgenre.errors import SettingsError
from musicgenre.experiments.dataset import Dataset, cut
from musicgenre.experiments.experiment import Experiment, Outcome, run
from musicgenre.experiments.training import Training, best_epoch

__all__ = ["PAPERS", "Dataset", "Experiment", "Outcome", "Training", "best_epoch", "cut", "get", "of_paper", "run"]

#: Papers with experiments, in the order of the book; the baselines are no paper, but are run and recorded like one.
PAPERS = (papers.PAPERS[0], "baselines", *papers.PAPERS[1:])


def of_paper(paper: str) -> dict[str, Experiment]:
    """Return the experiments of a paper by their ids.

    Raises
    ------
    SettingsError
        If there is no such paper.
    """
    if paper not in PAPERS:
        raise SettingsError(f"unknown paper {paper!r}; use one of {', '.join(PAPERS)}")
    return {experiment.id: experiment for experiment in import_module(f"musicgenre.experiments.{paper}").EXPERIMENTS}


def get(paper: str, experiment: str) -> Experiment:
    """Return one experiment.

    Raises
    ------
    SettingsError
        If there is no such paper or experiment.
    """
    experiments = of_paper(paper)
    if experiment not in experiments:
        raise SettingsError(f"{paper} has no experiment {experiment!r}; use one of {', '.join(experiments)}")
    return experiments[experiment]
