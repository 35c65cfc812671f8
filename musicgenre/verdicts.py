"""Verdicts on the papers' claims, by a rule that was fixed before any run.

*Reproduced*: the paper's number lies in the 95 % interval of ours under the paper's own protocol. *Partly*: only the ranking
holds. *Not reproduced*: neither. *Cannot be judged*: the paper gives no number or no protocol. *Not run*: records are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from itertools import pairwise

import numpy as np
import pandas as pd

from musicgenre import experiments, runs
from musicgenre.papers import Paper
from musicgenre.settings import Profile


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
    """A metric of one experiment over its runs: mean, 95 % interval of one run (NaN where one run gives none), number of runs."""

    mean: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        interval = "" if np.isnan(self.low) else f"{self.low:.1%} to {self.high:.1%}, "
        return f"{self.mean:.1%} ({interval}{self.runs} {'run' if self.runs == 1 else 'runs'})"


class Missing(LookupError):
    """Records that a judgement needs are not there."""


def of_experiment(records: pd.DataFrame, paper: str, experiment: str, protocol: str | None = None) -> list[dict]:
    """Return the records of an experiment, under the paper's own protocol if no other is named.

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
    return list(chosen["record"])


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
        return Measured(*runs.accuracy(found, by="segment" if metric == "accuracy" else "top3"), len(found))
    return Measured(*_mean_and_spread(np.array([_value(made, metric, genre) for made in found])), len(found))


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


def judge(paper: Paper, claim_id: str, records: pd.DataFrame, profile: Profile = Profile.LITE) -> Judgement:
    """Judge one claim of a paper from run records.

    Parameters
    ----------
    paper : Paper
        As :func:`musicgenre.papers.read` gives it.
    claim_id : str
        Such as ``C1``.
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    profile : Profile
        Records of other profiles are left aside.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    claim = paper.claims.to_dict("index")[claim_id]
    records = records[records["profile"] == str(profile)]
    if claim["judged_by"] == "none":
        return Judgement(Verdict.UNDECIDABLE, claim["why"])
    try:
        if claim["judged_by"] == "check":
            return getattr(import_module(f"musicgenre.checks.{paper.id}"), claim["check"])(records)
        made = {name: of_experiment(records, paper.id, name) for name in experiments_of(claim)}
        metric, genre = claim["metric"] or "accuracy", claim["genre"]
        if claim["judged_by"] == "difference":
            return _difference(claim["difference"], made, metric, genre)
    except Missing as error:
        return Judgement(Verdict.NOT_RUN, str(error))
    measured = {name: measure(found, metric, genre) for name, found in made.items()}
    found = ", ".join(f"{name} {value}" for name, value in measured.items())
    if any(np.isnan(measured[name].low) for name in claim["values"] or {}):
        return Judgement(Verdict.NOT_RUN, found)
    inside = all(measured[name].low <= value <= measured[name].high for name, value in (claim["values"] or {}).items())
    ranked = claim["ranking"] is not None and holds(claim["ranking"], {name: value.mean for name, value in measured.items()})
    if claim["judged_by"] == "ranking" and not claim["values"]:
        return Judgement(Verdict.REPRODUCED if ranked else Verdict.NOT, found)
    if inside and (ranked or claim["judged_by"] == "value"):
        return Judgement(Verdict.REPRODUCED, found)
    return Judgement(Verdict.PARTLY if ranked else Verdict.NOT, found)


def on_rung(records: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Let the runs of another rung of the leak ladder stand for those under each paper's own protocol.

    What :func:`judge` says of the result is what would become of the claims if the papers had used that rung.

    Parameters
    ----------
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    protocol : str
        The rung.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    chosen = records[records["protocol"] == protocol]
    return chosen.assign(protocol=own_protocols(chosen))


def own_protocols(records: pd.DataFrame) -> list[str]:
    """Return, for each record, the protocol that its paper used."""
    return [experiments.get(paper, name).protocols[0] for paper, name in zip(records["paper"], records["experiment"], strict=True)]


def holds(ranking: list, means: dict[str, float]) -> bool:
    """Say whether each member of a ranking is better than every member of the next; a list inside it is not ordered."""
    tiers = [tier if isinstance(tier, list) else [tier] for tier in ranking]
    return all(min(means[a] for a in better) > max(means[b] for b in worse) for better, worse in pairwise(tiers))


def _difference(difference: dict, made: dict[str, list[dict]], metric: str, genre: str | None) -> Judgement:
    """Judge a difference by the interval of one more pair of runs, seed against seed."""
    of, over, claimed = difference["of"], difference["over"], difference["by"]
    paired = runs.pairs(made[of], made[over])
    if not paired:
        raise Missing(f"no run of {of} with the seed of a run of {over}")
    if metric == "accuracy":
        mean, low, high = runs.difference(paired)
    else:
        mean, low, high = _mean_and_spread(np.array([_value(a, metric, genre) - _value(b, metric, genre) for a, b in paired]))
    sign_open = low <= 0 <= high
    interval = "no interval" if np.isnan(low) else f"{100 * low:+.1f} to {100 * high:+.1f} points"
    n_pairs = f"{len(paired)} {'pair' if len(paired) == 1 else 'pairs'} of runs"
    found = f"{of} over {over}: {100 * mean:+.1f} points ({interval}, {n_pairs}{', sign open' if sign_open else ''})"
    if np.isnan(low):
        return Judgement(Verdict.NOT_RUN, found)
    same_sign = np.sign(mean) == np.sign(claimed)
    verdict = Verdict.REPRODUCED if low <= claimed <= high else Verdict.PARTLY if same_sign else Verdict.NOT
    return Judgement(verdict, found, sign_open)


def _mean_and_spread(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, and 1.96 standard deviations to either side of it; NaN where there is but one value."""
    spread = 1.96 * values.std(ddof=1) if len(values) > 1 else np.nan
    return float(values.mean()), float(values.mean() - spread), float(values.mean() + spread)


def experiments_of(claim: dict) -> list[str]:
    """Return the ids of the experiments whose numbers a claim compares; a claim with a check names none."""
    if claim["judged_by"] == "difference":
        return [claim["difference"][side] for side in ("of", "over")]
    names = [*(claim["values"] or {}), *(claim["ranking"] or [])]
    flat = [name for entry in names for name in (entry if isinstance(entry, list) else [entry])]
    return list(dict.fromkeys(flat))
