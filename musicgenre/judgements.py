"""What a judgement is made of: verdicts, what was measured over the runs of an experiment, and what says that runs are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from musicgenre import experiments, runs


class Verdict(StrEnum):
    """What became of a claim."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    NOT = "not reproduced"
    UNDECIDABLE = "cannot be judged"
    NOT_RUN = "not run"

    @property
    def badge(self) -> str:
        """The mark of the ReScience journal: [Re], [~Re], [¬Re]; [?] and [ ] are ours."""
        return dict(zip(Verdict, ("[Re]", "[~Re]", "[¬Re]", "[?]", "[ ]"), strict=True))[self]


@dataclass(frozen=True)
class Judgement:
    """A verdict with the numbers it rests on, in words; ``sign_open`` if they allow a difference of either sign."""

    verdict: Verdict
    found: str
    sign_open: bool = False


@dataclass(frozen=True)
class Measured:
    """A metric of one experiment over its runs: mean, interval of one run (:func:`measure`; NaN where there is none), number of runs.

    And how many of them never began to learn (:func:`musicgenre.runs.never_began`).
    """

    mean: float
    low: float
    high: float
    runs: int
    never_began: int = 0

    def __str__(self) -> str:
        interval = "" if np.isnan(self.low) else f"{self.low:.1%} to {self.high:.1%}, "
        stuck = f", {self.never_began} never began to learn" if self.never_began else ""
        return f"{self.mean:.1%} ({interval}{self.runs} {'run' if self.runs == 1 else 'runs'}{stuck})"

    @property
    def interval_in_points(self) -> str:
        """The interval of a difference, in words."""
        return "no interval" if np.isnan(self.low) else f"{100 * self.low:+.1f} to {100 * self.high:+.1f} points"

    @property
    def pairs(self) -> str:
        """Of how many pairs of runs a difference was measured, in words."""
        return f"{self.runs} {'pair' if self.runs == 1 else 'pairs'} of runs"


class Missing(LookupError):
    """Records that a judgement needs are not there."""


def listed(values: Mapping[str, object] | pd.Series, style: str = "") -> str:
    """List names with their values, formatted as ``style`` says, in one line."""
    return ", ".join(f"{name} {value:{style}}" for name, value in values.items())


def of_experiment(records: pd.DataFrame, paper: str, experiment: str, protocol: str | None = None) -> list[dict]:
    """Return the records of an experiment, under the paper's own protocol if no other is named: of the runs that learned.

    See :func:`musicgenre.runs.learned`.

    Parameters
    ----------
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them, of one profile.
    paper, experiment : str
        Ids.
    protocol : str, optional
        A rung of the leak ladder.

    Raises
    ------
    Missing
        If there are none.
    """
    protocol = protocol or experiments.get(paper, experiment).protocols[0]
    chosen = records[(records["paper"] == paper) & (records["experiment"] == experiment) & (records["protocol"] == protocol)]
    if chosen.empty:
        raise Missing(f"no run of {experiment} under {protocol}")
    return list(runs.learned(chosen)["record"])


def measure(found: list[dict], metric: str = "accuracy", genre: str | None = None) -> Measured:
    """Summarise a metric over runs.

    Parameters
    ----------
    found : list of dict
        Records of one experiment under one protocol.
    metric : str
        ``accuracy`` (by segment) or ``top3``, with the interval of :func:`musicgenre.evaluation.run_interval`; else a metric of
        the record (``precision``, ``recall``, ``f1`` of a genre, ``loss`` of the test part, ``train_accuracy``, ``train_loss``,
        ``val_accuracy``, ``val_loss``), with 1.96 standard deviations over the runs on either side of the mean; one run has no
        interval then.
    genre : str, optional
        For precision, recall and F1.
    """
    if metric in ("accuracy", "top3"):
        values = runs.accuracy(found, by="segment" if metric == "accuracy" else "top3")
    else:
        values = _mean_and_spread([_value(made, metric, genre) for made in found])
    return Measured(*values, len(found), sum(map(runs.never_began, found)))


def measure_difference(of: list[dict], over: list[dict], metric: str = "accuracy", genre: str | None = None) -> Measured:
    """Summarise the difference between two experiments, seed against seed.

    Parameters
    ----------
    of, over : list of dict
        Records of the two experiments, each under the protocol of its paper.
    metric, genre
        As in :func:`measure`. A difference of accuracies has the interval of :func:`musicgenre.runs.difference`, any other 1.96
        standard deviations over the pairs on either side of the mean.

    Raises
    ------
    Missing
        If no two runs have the same seed.
    """
    paired = runs.pairs(of, over)
    if not paired:
        raise Missing(f"no run of {of[0]['experiment']} with the seed of a run of {over[0]['experiment']}")
    if metric == "accuracy":
        return Measured(*runs.difference(paired), len(paired))
    return Measured(*_mean_and_spread([_value(a, metric, genre) - _value(b, metric, genre) for a, b in paired]), len(paired))


def by_genre(found: list[dict], metric: str) -> pd.DataFrame:
    """Return a score of each genre in each run: one row a run, one column a genre.

    Parameters
    ----------
    found : list of dict
        Records of one experiment under one protocol.
    metric : {"precision", "recall", "f1", "certainty"}
        The first three are fractions.
    """
    return pd.DataFrame(
        [made["certainty"] if metric == "certainty" else {g: scores[metric] for g, scores in made["by_genre"].items()} for made in found]
    )


def _value(made: dict, metric: str, genre: str | None) -> float:
    if genre:
        return made["by_genre"][genre][metric]
    if metric == "loss":
        return made["scores"]["segment"]["loss"]
    return made["history"][metric.removeprefix("train_")][made["best_epoch"] - 1]


def _mean_and_spread(values: list[float]) -> tuple[float, float, float]:
    """Mean, and 1.96 standard deviations to either side of it; NaN where there is but one value."""
    mean, spread = float(np.mean(values)), 1.96 * float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    return mean, mean - spread, mean + spread
