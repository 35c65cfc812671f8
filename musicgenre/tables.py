"""The tables of the book: the paper beside ours, claims with verdicts, settings. Fed by papers and run records alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from musicgenre import experiments, runs, verdicts
from musicgenre.papers import Paper
from musicgenre.settings import Profile
from musicgenre.splits import PROTOCOLS

NONE = "–"


def beside(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE, by: str = "segment") -> pd.DataFrame:
    """Put the accuracies of a paper beside ours on each rung of the leak ladder.

    Parameters
    ----------
    paper : Paper
        As :func:`musicgenre.papers.read` gives it.
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    profile : Profile
        Records of other profiles are left aside.
    by : {"segment", "track"}
        Which accuracy of ours.

    Returns
    -------
    pandas.DataFrame
        Index ``experiment``, all of the paper's and then our own; columns ``paper`` (fraction or NaN) and, for each protocol that
        was run, ``mean``, ``sd``, ``low``, ``high`` and ``runs``; ``gap`` is the mean under the paper's own protocol minus that on the
        highest rung that was run.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    summary = runs.summarise(records[(records["paper"] == paper.id) & (records["profile"] == str(profile))], by=by)
    rows = {}
    for name, experiment in experiments.of_paper(paper.id).items():
        reported = paper.reported(name) if name in paper.experiments.index else None
        row = {("paper", ""): np.nan if reported is None else reported}
        means = {}
        for protocol in PROTOCOLS:
            if (key := (paper.id, name, str(profile), protocol)) in summary.index:
                row |= {(protocol, column): summary.loc[key, column] for column in ("mean", "sd", "low", "high", "runs")}
                means[protocol] = summary.loc[key, "mean"]
        if experiment.protocols[0] in means and len(means) > 1:
            row[("gap", "")] = means[experiment.protocols[0]] - list(means.values())[-1]
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="experiment")
    order = [("paper", ""), *((p, c) for p in PROTOCOLS for c in ("mean", "sd", "low", "high", "runs")), ("gap", "")]
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table.reindex(columns=[column for column in order if column in table.columns])


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Turn :func:`beside` into text: percentages as ``mean ± sd (low to high, n)``."""

    def cell(row: pd.Series, protocol: str) -> str:
        if pd.isna(row.get((protocol, "mean"))):
            return NONE
        mean, sd, low, high, n = (row[(protocol, column)] for column in ("mean", "sd", "low", "high", "runs"))
        spread = "" if pd.isna(sd) else f" ± {100 * sd:.1f}"
        return f"{100 * mean:.1f}{spread} ({100 * low:.1f} to {100 * high:.1f}, n = {int(n)})"

    protocols = [p for p in PROTOCOLS if (p, "mean") in table.columns]
    text = pd.DataFrame(index=table.index)
    text["paper"] = [NONE if pd.isna(value) else f"{100 * value:.4g}" for value in table[("paper", "")]]
    for protocol in protocols:
        text[protocol] = [cell(row, protocol) for _, row in table.iterrows()]
    if ("gap", "") in table.columns:
        text["gap"] = [NONE if pd.isna(value) else f"{100 * value:+.1f}" for value in table[("gap", "")]]
    return text


def by_genre(
    paper: Paper, experiment: str, records: pd.DataFrame, *, profile: Profile = Profile.LITE, protocol: str | None = None
) -> pd.DataFrame:
    """Put precision, recall and F1 of each genre beside ours.

    Parameters
    ----------
    paper : Paper
        As :func:`musicgenre.papers.read` gives it.
    experiment : str
        Id of an experiment.
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    profile : Profile
        Records of other profiles are left aside.
    protocol : str, optional
        The paper's own if left out.

    Returns
    -------
    pandas.DataFrame
        Index ``genre``; columns (``precision`` | ``recall`` | ``f1``, ``paper`` | ``ours`` | ``sd``), fractions, mean and standard deviation
        over runs. Empty where there are no runs.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    records = records[records["profile"] == str(profile)]
    try:
        found = verdicts.of_experiment(records, paper.id, experiment, protocol)
    except verdicts.Missing:
        return pd.DataFrame()
    columns = {}
    for metric in ("precision", "recall", "f1"):
        values = pd.DataFrame([{genre: scores[metric] for genre, scores in made["by_genre"].items()} for made in found])
        columns[(metric, "paper")] = pd.Series({genre: paper.reported(experiment, metric, genre) for genre in values}, dtype=float)
        columns[(metric, "ours")], columns[(metric, "sd")] = values.mean(), values.std()
    return pd.DataFrame(columns).rename_axis(index="genre")


def claims(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> pd.DataFrame:
    """Judge every claim of a paper.

    Parameters
    ----------
    paper : Paper
        As :func:`musicgenre.papers.read` gives it.
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    profile : Profile
        Records of other profiles are left aside.

    Returns
    -------
    pandas.DataFrame
        Index ``claim``; ``text``, ``where``, ``paper`` (its numbers), ``verdict``, ``badge`` and ``found`` (ours).

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    rows = {}
    for claim_id, claim in paper.claims.to_dict("index").items():
        judged = verdicts.judge(paper, claim_id, records, profile)
        numbers = ", ".join(f"{name} {100 * value:.4g} %" for name, value in (claim["values"] or {}).items()) or NONE
        rows[claim_id] = {
            "text": claim["text"],
            "where": claim["where"],
            "paper": numbers,
            "verdict": str(judged.verdict),
            "badge": judged.verdict.badge,
            "found": judged.found,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="claim")


def report(paper: Paper, *, profile: Profile = Profile.LITE, folder: Path | None = None) -> str:
    """Write the tables of a paper as text for the terminal.

    Parameters
    ----------
    paper : Paper
        As :func:`musicgenre.papers.read` gives it.
    profile : Profile
        Records of other profiles are left aside.
    folder : Path, optional
        Where the run records are.
    """
    records = runs.read_records(folder, paper.id)
    synthetic = " (built-in synthetic corpus)" if profile is Profile.SMOKE else ""
    title = f"{paper.short_name}: {paper.title}"
    numbers = in_words(beside(paper, records, profile=profile)).to_string()
    judged = [
        f"{row['badge']:5s} {claim_id}: {row['text']}\n      paper: {row['paper']}; ours: {row['found']}"
        for claim_id, row in claims(paper, records, profile=profile).iterrows()
    ]
    note = f"Accuracy by segment in per cent, profile {profile}{synthetic}: mean ± sd (95 % interval of one run, runs)"
    return "\n".join([title, "=" * len(title), note, "", numbers, "", *judged, ""])
