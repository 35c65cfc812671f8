"""Verdicts on the papers' claims, by a rule that was fixed before any run.

*Reproduced*: the paper's number lies in the 95 % interval of ours under the paper's own protocol. *Partly*: only the ranking
holds. *Not reproduced*: neither, or a ranking that fails. *Cannot be judged*: the paper gives no number or no protocol. *Not run*:
records are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise

import numpy as np
import pandas as pd

from musicgenre import experiments
from musicgenre.errors import DataError
from musicgenre.judgements import Judgement, Missing, Verdict, listed, measure, measure_difference, of_experiment
from musicgenre.papers import Paper
from musicgenre.settings import Profile


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
            return check(paper, claim["check"])(records)
        made = {name: of_experiment(records, paper.id, name) for name in experiments_of(claim)}
        metric, genre = claim["metric"] or "accuracy", claim["genre"]
        if claim["judged_by"] == "difference":
            return _difference(claim["difference"], made, metric, genre)
    except Missing as error:
        return Judgement(Verdict.NOT_RUN, str(error))
    measured = {name: measure(found, metric, genre) for name, found in made.items()}
    found = listed(measured)
    values = claim["values"] or {}
    if any(np.isnan(measured[name].low) for name in values):
        return Judgement(Verdict.NOT_RUN, found)
    inside = all(measured[name].low <= value <= measured[name].high for name, value in values.items())
    ranked = claim["ranking"] is not None and holds(claim["ranking"], {name: value.mean for name, value in measured.items()})
    if inside and (ranked or claim["judged_by"] == "value"):
        return Judgement(Verdict.REPRODUCED, found)
    return Judgement(Verdict.PARTLY if ranked else Verdict.NOT, found)


def check(paper: Paper, name: str) -> Callable[[pd.DataFrame], Judgement]:
    """Return the function of :mod:`musicgenre.checks` that judges a claim by a rule of its own.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    module = f"musicgenre.checks.{paper.id}"
    try:
        return getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError):
        raise DataError(f"{paper.id}.yml names the check {name}, but {module} has no such function") from None


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
    """Judge a difference by the interval of one more pair of runs; where no more than a direction is claimed, by its sign."""
    of, over, claimed = difference["of"], difference["over"], difference["by"]
    ours = measure_difference(made[of], made[over], metric, genre)
    sign_open = ours.low <= 0 <= ours.high
    same_sign = np.sign(ours.mean) == np.sign(claimed)
    of_signs = ("" if same_sign else ", not the paper's sign") + (", sign open" if sign_open else "")
    found = f"{of} over {over}: {100 * ours.mean:+.1f} points ({ours.interval_in_points}, {ours.pairs}{of_signs})"
    if np.isnan(ours.low):
        return Judgement(Verdict.NOT_RUN, found)
    if difference.get("direction_only"):
        verdict = Verdict.REPRODUCED if same_sign else Verdict.NOT
    else:
        verdict = Verdict.REPRODUCED if ours.low <= claimed <= ours.high else Verdict.PARTLY if same_sign else Verdict.NOT
    return Judgement(verdict, found, sign_open)


def experiments_of(claim: dict) -> list[str]:
    """Return the ids of the experiments whose numbers a claim compares; a claim with a check names none."""
    if claim["judged_by"] == "difference":
        return [claim["difference"][side] for side in ("of", "over")]
    names = [*(claim["values"] or {}), *(claim["ranking"] or [])]
    flat = [name for entry in names for name in (entry if isinstance(entry, list) else [entry])]
    return list(dict.fromkeys(flat))
