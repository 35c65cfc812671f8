"""The tables of the book: the paper beside ours, claims with verdicts, badges. Fed by papers and run records alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from musicgenre import experiments, judgements, papers, runs, verdicts
from musicgenre.judgements import Verdict
from musicgenre.papers import Paper
from musicgenre.settings import Profile
from musicgenre.splits import PROTOCOLS

NONE = "–"
BADGES = {Verdict.REPRODUCED: "reproduced", Verdict.PARTLY: "partly", Verdict.NOT: "not"}  # classes of the style sheet; else "unjudged"


class Html(str):
    """Text that is HTML already: :func:`html` does not escape it, and a notebook shows it as what it says."""

    def _repr_html_(self) -> str:
        return str(self)


def beside(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> pd.DataFrame:
    """Put the accuracies of a paper beside ours by segment on each rung of the leak ladder.

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
        Index ``experiment``, all of the paper's and then our own; columns ``paper`` (fraction or NaN) and, for each protocol that
        was run, the columns of :func:`musicgenre.runs.summarise`; ``gap`` is the mean under the paper's own protocol minus
        that on the highest rung that was run.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    found = runs.summarise(records[(records["paper"] == paper.id) & (records["profile"] == str(profile))]).droplevel(["paper", "profile"])
    rows = {}
    for name, experiment in experiments.of_paper(paper.id).items():
        reported = paper.reported(name) if name in paper.experiments.index else None
        row = {("paper", ""): np.nan if reported is None else reported}
        rungs = [protocol for protocol in PROTOCOLS if (name, protocol) in found.index]
        row |= {(rung, column): found.at[(name, rung), column] for rung in rungs for column in found.columns}
        own = experiment.protocols[0]
        if own in rungs[:-1]:
            row[("gap", "")] = row[own, "mean"] - row[rungs[-1], "mean"]
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="experiment")
    order = [("paper", ""), *((p, c) for p in PROTOCOLS for c in found.columns), ("gap", "")]
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table.reindex(columns=[column for column in order if column in table.columns])


def in_words(table: pd.DataFrame, *, link: bool = False) -> pd.DataFrame:
    """Turn :func:`beside` into text: percentages as ``mean ± sd (low to high, n)``.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`beside` gives it.
    link : bool
        Give :class:`Html`, with a link to the record of each run.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """

    def cell(row: pd.Series, protocol: str) -> str:
        if pd.isna(row.get((protocol, "mean"))):
            return NONE
        rung = row[protocol]
        mean, sd, low, high = 100 * rung[["mean", "sd", "low", "high"]].astype(float)
        number = f"{mean:.1f}" + ("" if pd.isna(sd) else f" ± {sd:.1f}")
        interval = f"({low:.1f} to {high:.1f}, n = {rung['runs']:.0f}{_left_out(rung)})"
        return Html(f"{number}<br>{interval}<br>".replace(" ", "&nbsp;") + links(rung["files"])) if link else f"{number} {interval}"

    protocols = [p for p in PROTOCOLS if (p, "mean") in table.columns]
    text = pd.DataFrame(index=table.index, dtype=object)
    text["paper"] = [NONE if pd.isna(value) else f"{100 * value:.4g}" for value in table[("paper", "")]]
    for protocol in protocols:
        text[protocol] = np.array([cell(row, protocol) for _, row in table.iterrows()], dtype=object)
    if ("gap", "") in table.columns:
        text["gap"] = [NONE if pd.isna(value) else f"{100 * value:+.1f}" for value in table[("gap", "")]]
    return text


def _left_out(summary: pd.Series) -> str:
    """Say how many runs never began to learn, in the words that follow the number of those that count."""
    stuck, everything = summary["never_began"], len(summary["files"])
    return {0: "", everything: ", never began to learn"}.get(stuck, f", without {stuck:.0f} that never began to learn")


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
        Index ``genre``; columns (``precision`` | ``recall`` | ``f1``, ``paper`` | ``ours`` | ``sd``), fractions, mean and standard
        deviation over runs. Empty where there are no runs.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    records = records[records["profile"] == str(profile)]
    try:
        found = judgements.of_experiment(records, paper.id, experiment, protocol)
    except judgements.Missing:
        return pd.DataFrame()
    columns = {}
    for metric in ("precision", "recall", "f1"):
        values = judgements.by_genre(found, metric)
        printed = {genre: paper.reported(experiment, metric, genre) if experiment in paper.experiments.index else None for genre in values}
        columns[(metric, "paper")] = pd.Series(printed, dtype=float)
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
        Index ``claim``; ``text``, ``where``, ``paper`` (its numbers), ``verdict``, ``found`` (ours), ``sign_open`` (ours allows a
        difference of either sign) and ``badge`` (:class:`Html`).

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    rows = {}
    for claim_id, claim in paper.claims.to_dict("index").items():
        judged = verdicts.judge(paper, claim_id, records, profile)
        rows[claim_id] = {
            "text": claim["text"],
            "where": claim["where"],
            "paper": _numbers(claim),
            "verdict": str(judged.verdict),
            "found": judged.found,
            "sign_open": judged.sign_open,
            "badge": badge(judged.verdict, sign_open=judged.sign_open),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="claim")


def judged(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> Html:
    """Show :func:`claims` with the rule that judges each, both numbers and the verdict.

    Parameters
    ----------
    paper, records, profile
        See :func:`claims`.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    table = claims(paper, records, profile=profile).assign(rule=paper.claims["rule"].fillna(NONE))
    return html(table[["text", "rule", "paper", "found", "badge"]].rename(columns={"found": "ours", "badge": "verdict"}))


def quote(paper: Paper, *contradictions: str) -> Html:
    """Quote contradictions from the file of a paper by their ids, such as ``X1``.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    rows = paper.contradictions.loc[list(contradictions)].iterrows()
    return Html("".join(f"<blockquote><b>{i}</b> ({row['severity']}): {escape(row['text'])}</blockquote>" for i, row in rows))


def deviations(paper: Paper) -> Html:
    """Show what we do where a paper is silent, or where we do something else on purpose, with the reason.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    chosen = paper.settings.dropna(subset="ours").fillna({"experiment": "all", "value": "unsaid"})
    words = chosen.map(lambda value: ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    alike = words.groupby(["setting", "value", "ours", "why"], sort=False)["experiment"].agg(", ".join).reset_index()
    return html(alike.rename(columns={"value": "paper", "experiment": "in"}).set_index("setting")[["in", "paper", "ours", "why"]])


def headline(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> str:
    """Say what becomes of the number that a paper puts forward: as printed, ours, and ours on the fault-filtered split.

    Parameters
    ----------
    paper, records, profile
        See :func:`claims`.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    records = records[records["profile"] == str(profile)]
    own, *stricter = experiments.get(paper.id, paper.headline).protocols

    of_headline = records[(records["paper"] == paper.id) & (records["experiment"] == paper.headline)]
    found = runs.summarise(of_headline).droplevel(["paper", "experiment", "profile"])

    def ours(protocol: str) -> str:
        if protocol not in found.index:
            return "not run yet"
        row = found.loc[protocol]
        counted = f"{row['runs']} {'run' if row['runs'] == 1 else 'runs'}{_left_out(row)}"
        if 1 < row["runs"] <= 3:  # few enough to name: a mean of few hides how far they lie apart
            each = runs.learned(of_headline[of_headline["protocol"] == protocol])["accuracy"]
            counted += f": {', '.join(f'{value:.1%}' for value in each)}"
        return f"{row['mean']:.1%} ({row['low']:.1%} to {row['high']:.1%}, {counted})"

    printed = paper.reported(paper.headline)
    theirs = "printed no number" if printed is None else f"printed {100 * printed:.4g}%"
    apart = "with artists and copies kept apart not measured, as the archive of its corpus names no artists"
    if "fault_filtered" in stricter:
        apart = f"with artists and copies kept apart {ours('fault_filtered')}"
    return f"{paper.short_name}, {paper.experiments['name'][paper.headline]}: {theirs}; ours {ours(own)}; {apart}"


def headlines(records: pd.DataFrame) -> str:
    """List the :func:`headline` of every paper, in Markdown, from the records of the profile ``lite``."""
    return "\n".join(f"- {headline(papers.read(paper), records)}" for paper in papers.PAPERS)


def _numbers(claim: dict) -> str:
    """Say what the paper prints for a claim: accuracies, else a difference."""
    if claim["values"]:
        return ", ".join(f"{name} {100 * value:.4g} %" for name, value in claim["values"].items())
    by = (claim["difference"] or {}).get("by")
    return NONE if by is None else f"{100 * by:+.4g} points"


def scoreboard(records: pd.DataFrame | None = None, *, profile: Profile = Profile.LITE) -> pd.DataFrame:
    """Judge every claim of every paper, in the order of the book.

    Parameters
    ----------
    records : pandas.DataFrame, optional
        As :func:`musicgenre.runs.read_records` gives them; those of the results folder if left out.
    profile : Profile
        Records of other profiles are left aside.

    Returns
    -------
    pandas.DataFrame
        One row a claim: ``paper`` (its id), ``claim``, ``text``, ``where`` (in the paper), ``reported`` (the paper's numbers, in words),
        ``verdict``, ``found`` (ours, in words), ``sign_open`` (ours allows a difference of either sign), ``profile``, ``protocol`` (list:
        those of the experiments that the claim is judged by), ``chapter`` (its place in the book, as a link from the top of the site) and
        ``records`` (list: the files of these experiments under these protocols).
    """
    records = runs.read_records(runs.results_folder(profile)) if records is None else records
    rows = []
    for paper in map(papers.read, papers.PAPERS):
        of_paper = records[(records["paper"] == paper.id) & (records["profile"] == str(profile))]
        own = of_paper[of_paper["protocol"] == verdicts.own_protocols(of_paper)]
        chapter = next((_checkout() / "notebooks").glob(f"*_{paper.id}.ipynb"), Path(paper.id)).stem
        for claim_id, row in claims(paper, own, profile=profile).iterrows():
            judged_by = _judged_by(paper, claim_id, row["verdict"], own, profile)
            rows.append(
                {
                    "paper": paper.id,
                    "claim": claim_id,
                    "text": row["text"],
                    "where": row["where"],
                    "reported": row["paper"],
                    "verdict": row["verdict"],
                    "found": row["found"],
                    "sign_open": row["sign_open"],
                    "profile": str(profile),
                    "protocol": list(dict.fromkeys(experiments.get(paper.id, name).protocols[0] for name in judged_by)),
                    "chapter": f"notebooks/{chapter}.html#{_anchor(paper, claim_id)}",
                    "records": list(own["file"][own["experiment"].isin(judged_by)]),
                }
            )
    return pd.DataFrame(rows)


def _judged_by(paper: Paper, claim_id: str, verdict: str, own: pd.DataFrame, profile: Profile) -> list[str]:
    """Experiments that a claim compares; where a check decides, those without whose runs it could not."""
    claim = paper.claims.to_dict("index")[claim_id]
    if claim["judged_by"] != "check":
        return verdicts.experiments_of(claim)
    if verdict == Verdict.NOT_RUN:
        return []

    def undecided_without(name: str) -> bool:
        return verdicts.judge(paper, claim_id, own[own["experiment"] != name], profile).verdict == Verdict.NOT_RUN

    return [name for name in own["experiment"].unique() if undecided_without(name)]


def summary(board: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts.

    Parameters
    ----------
    board : pandas.DataFrame
        As :func:`scoreboard` gives it.

    Returns
    -------
    pandas.DataFrame
        One row a paper (its authors), one column a verdict, ``of these, sign open`` (of the reproduced), and ``claims`` (all of them).
    """
    counts = pd.crosstab(board["paper"], board["verdict"]).reindex(index=papers.PAPERS, columns=list(map(str, Verdict)), fill_value=0)
    counts["claims"] = counts.sum(axis="columns")
    sign_open = board["paper"][board["sign_open"] & (board["verdict"] == Verdict.REPRODUCED)].value_counts()
    counts.insert(1, "of these, sign open", sign_open.reindex(counts.index, fill_value=0))
    return counts.rename(index=lambda paper: papers.read(paper).short_name)


def badge(verdict: str, *, sign_open: bool = False) -> Html:
    """Return the badge of a verdict, such as ``[Re] reproduced, sign open``, as the style sheet of the book colours it."""
    verdict = Verdict(verdict)
    is_open = sign_open and verdict is Verdict.REPRODUCED
    style = "open" if is_open else BADGES.get(verdict, "unjudged")
    return Html(f'<span class="verdict verdict-{style}">{verdict.badge} {verdict}{", sign open" if is_open else ""}</span>')


def badges(paper: Paper, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> Html:
    """List the claims of a paper with their badges; each leads to the place of the chapter that treats it.

    Parameters
    ----------
    paper, records, profile
        See :func:`claims`.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    lines = [
        f'<li>{row["badge"]} <a href="#{_anchor(paper, claim_id)}">{claim_id}</a> {escape(row["text"])}</li>'
        for claim_id, row in claims(paper, records, profile=profile).iterrows()
    ]
    return Html(f"<p>Profile {profile}:</p><ul>{''.join(lines)}</ul>")


def _anchor(paper: Paper, claim_id: str) -> str:
    """Return the label of a claim in its chapter, as Sphinx writes it."""
    return f"{paper.id.replace('_', '-')}-{claim_id.lower()}"


def _checkout() -> Path:
    """Return the folder that holds ``book/results``, if the records are kept in a checkout."""
    return runs.results_folder().parent.parent


def links(files: Iterable[str]) -> Html:
    """Link run records by their numbers: to the repository if they are kept in a checkout, else to nothing.

    Parameters
    ----------
    files : iterable of str
        As in the column ``file`` of :func:`musicgenre.runs.read_records`.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    address = _address(_checkout() / "_config.yml")
    names = [(number, escape(file)) for number, file in enumerate(files, start=1)]
    linked = [f'<a href="{address}/{file}" title="{file}">{n}</a>' if address else f'<span title="{file}">{n}</span>' for n, file in names]
    return Html(f"{'record' if len(names) == 1 else 'records'} {' '.join(linked)}" if names else "no record")


@cache
def _address(config: Path) -> str | None:
    """Return the address of the records in the repository that a configuration of the book names, if there is one."""
    if not config.is_file():
        return None
    repository = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
    return f"{repository['url']}/blob/{repository['branch']}/book/results"


def progress(paper: str, records: pd.DataFrame, *, profile: Profile = Profile.LITE) -> str:
    """Say how many runs of a paper are recorded, how to make the others, and which experiments have no run at all.

    Parameters
    ----------
    paper : str
        Id of a paper, or ``baselines``.
    records : pandas.DataFrame
        As :func:`musicgenre.runs.read_records` gives them.
    profile : Profile
        Records of other profiles are left aside.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    jobs, recorded = runs.plan(experiments.of_paper(paper).values()), set(records["file"])
    rows = [(job.experiment.id, job.protocol, job.path(Path(), profile).as_posix() in recorded) for job in jobs]
    planned = pd.DataFrame(rows, columns=["experiment", "protocol", "made"])
    if planned["made"].all():
        return f"All {len(planned)} runs of the profile {profile} are recorded."
    data = "" if profile is Profile.SMOKE else " --data FOLDER"
    command = f"musicgenre replicate {paper} --profile {profile}{data}"
    missing = (~planned["made"]).sum()
    text = f"{missing} of {len(planned)} runs of the profile {profile} are not recorded here yet. This makes them: `{command}`."
    made = planned.groupby(["protocol", "experiment"], sort=False)["made"].any()
    never = made[~made].reset_index().groupby("protocol", sort=False)["experiment"].agg(", ".join).reindex(PROTOCOLS).dropna()
    if missing == len(planned) or never.empty:
        return text
    return f"{text} Not one run yet: {'; '.join(f'{names} under `{protocol}`' for protocol, names in never.items())}."


def html(table: pd.DataFrame, *, index: bool = True) -> Html:
    """Write a table as HTML, with whole cells and with the links in them.

    Parameters
    ----------
    table : pandas.DataFrame
        Any; what is not :class:`Html` already is escaped.
    index : bool
        Show the index as first column.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """

    def escaped(value: object) -> str:
        return value if isinstance(value, Html) else escape(str(value))

    cells = table.astype(object).map(escaped).rename(index=escaped, columns=escaped)
    with pd.option_context("display.max_colwidth", None):
        return Html(cells.to_html(escape=False, border=0, index=index, index_names=False))


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
    folder = folder or runs.results_folder(profile)
    records = runs.read_records(folder, paper.id)
    synthetic = " (built-in synthetic corpus)" if profile is Profile.SMOKE else ""
    title = f"{paper.short_name}: {paper.title}"
    numbers = in_words(beside(paper, records, profile=profile)).to_string()
    judged = [
        f"{Verdict(row['verdict']).badge:5s} {claim_id}: {row['text']}\n      paper: {row['paper']}; ours: {row['found']}"
        for claim_id, row in claims(paper, records, profile=profile).iterrows()
    ]
    note = f"Accuracy by segment in per cent, profile {profile}{synthetic}: mean ± sd (95 % interval of one run, runs)"
    if not (records["profile"] == str(profile)).any():
        note += f"\nNo run of the profile {profile} is recorded in {folder}; name another profile (--profile) or folder (--results)."
    return "\n".join([title, "=" * len(title), note, "", numbers, "", *judged, ""])
