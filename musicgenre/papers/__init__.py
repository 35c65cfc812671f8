"""What the five papers say, as data: settings, experiments, tables, claims, figures and contradictions.

One YAML file a paper; ``schema.json`` says what may stand in it. :func:`read` gives it as tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from musicgenre import schemas
from musicgenre.errors import DataError, SettingsError

if TYPE_CHECKING:
    import pandas as pd

#: The papers, in the order of the book; each id is also the key in the bibliography.
PAPERS = ("demarco_2024", "srivastava_2022", "schaldenbrand_he_2019", "xu_2024", "holst_2021")

#: Metrics that are shares of a whole: read as fractions, however a table prints them.
SHARES = frozenset({"accuracy", "precision", "recall", "f1", "train_accuracy", "val_accuracy", "recall_beside_certainty"})


@dataclass(frozen=True, eq=False)
class Paper:
    """What one paper says. Missing values are None; tables are shared, so copy before you change one.

    Parameters
    ----------
    id, title, venue : str
        The id is also the key in the bibliography.
    authors : tuple of str
        Given name first.
    year : int or None
        As printed; None where the paper prints none.
    headline : str
        Id of the experiment that the paper puts forward.
    settings : pandas.DataFrame
        One row a setting: ``part`` (dataset, split, segmenting, features, training or experiment), ``experiment`` (None: all of
        them), ``setting``, ``value`` and ``where`` (what the paper says), ``unsaid`` (it says nothing), ``ours`` and ``why`` (what
        we do where it says nothing, or where we do something else).
    experiments : pandas.DataFrame
        Index ``id``; ``name``, ``where``, ``layers`` (list of str), ``parameters`` (as stated, or missing), ``arithmetic``.
    results : pandas.DataFrame
        One row a printed number: ``experiment``, ``metric``, ``genre`` (or None), ``value`` (float; shares as fractions), ``where``.
    comparisons : pandas.DataFrame
        Accuracies of others that the paper quotes: ``source``, ``what``, ``dataset``, ``value`` (fraction), ``where``.
    numbers_in_text : pandas.DataFrame
        Numbers in no table: ``what``, ``value``, ``unit`` (fraction, count or parameters), ``experiment``, ``where``.
    claims : pandas.DataFrame
        Index ``id``; ``text``, ``where``, ``metric``, ``genre``, ``protocol`` (as written), ``unsaid``, ``our_choice``, ``judged_by``
        (value, ranking, difference, check or none) and what it is judged by: ``values`` (dict, experiment to fraction),
        ``ranking`` (list, best first; a list inside it is not ordered), ``difference`` (dict: ``of``, ``over`` and ``by``),
        ``check`` with its ``rule``, or ``why`` it cannot be judged; ``revised`` says what was changed in this after its runs were seen.
    figures : pandas.DataFrame
        Index ``id``; ``shows``, ``reproduce``, ``why_not``.
    contradictions : pandas.DataFrame
        Index ``id``; ``severity`` (high, medium, low or info), ``text``, ``check`` (name of an executable check, or None).
    unsaid : tuple of str
        What the paper leaves open and no choice of ours can replace.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """

    id: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int | None
    headline: str
    settings: pd.DataFrame
    experiments: pd.DataFrame
    results: pd.DataFrame
    comparisons: pd.DataFrame
    numbers_in_text: pd.DataFrame
    claims: pd.DataFrame
    figures: pd.DataFrame
    contradictions: pd.DataFrame
    unsaid: tuple[str, ...]

    @property
    def short_name(self) -> str:
        """The authors as a text cites them: ``Holst``, ``Schaldenbrand & He``, ``DeMarco et al.``."""
        families = [author.split()[-1] for author in self.authors]
        return " & ".join(families) if len(families) < 3 else f"{families[0]} et al."

    def reported(self, experiment: str, metric: str = "accuracy", genre: str | None = None) -> float | None:
        """Look up a number that the paper prints.

        Parameters
        ----------
        experiment : str
            Id of an experiment of this paper.
        metric : str
            A metric of ``results``, such as ``accuracy`` (of the test part) or ``f1``.
        genre : str, optional
            For metrics by genre.

        Returns
        -------
        float or None
            Shares as fractions; None where the paper prints no such number.

        Raises
        ------
        SettingsError
            If the paper has no such experiment, or no paper may have such a metric.

        Notes
        -----
        Taught in the notebook ``04_demarco_2024``.
        """
        metrics = schemas.read("papers/schema.json")["$defs"]["metric"]["enum"]
        for value, known in ((experiment, list(self.experiments.index)), (metric, metrics)):
            if value not in known:
                raise SettingsError(f"{self.id} knows no {value!r}; use one of {', '.join(known)}")
        rows = self.results[(self.results["experiment"] == experiment) & (self.results["metric"] == metric)]
        rows = rows[rows["genre"].isna() if genre is None else rows["genre"] == genre]
        return float(rows["value"].iloc[0]) if len(rows) else None


@cache
def read(paper_id: str) -> Paper:
    """Read one of the five papers.

    Parameters
    ----------
    paper_id : str
        One of :data:`PAPERS`.

    Raises
    ------
    SettingsError
        If there is no such paper.
    DataError
        If its file breaks the schema or contradicts itself; the message names file, line and place.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    if paper_id not in PAPERS:
        raise SettingsError(f"unknown paper {paper_id!r}; use one of {', '.join(PAPERS)}")
    name = f"{paper_id}.yml"
    return _paper(_parse((files(__name__) / name).read_text(encoding="utf-8"), name))


def read_file(path: str | Path) -> Paper:
    """Read a paper from a YAML file of one's own.

    Parameters
    ----------
    path : str or Path
        File in the shape of the five; ``schema.json`` beside them describes it.

    Raises
    ------
    DataError
        If the file cannot be read, breaks the schema or contradicts itself; the message names file, line and place.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    return _paper(_parse(text, str(path)))


class _Loader(yaml.SafeLoader):
    """YAML without the silent loss of a key that stands twice."""

    def compose_mapping_node(self, anchor):
        node = super().compose_mapping_node(anchor)
        seen = []
        for key, _ in node.value:  # as written: merged keys, which may be overridden, are added later
            if key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.append(key.value)
        return node


def _parse(text: str, name: str) -> dict:
    """Turn YAML into a dict that fulfils the schema and has no loose ends, or say where it does not."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        content = loader.construct_document(root) if root else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", error)).split())
        raise DataError(f"{name}{f', line {mark.line + 1}' if mark else ''}: {problem}") from None
    for place, problem in _problems(content):
        here = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
        raise DataError(f"{name}, line {_line(root, place)}: {here or 'the file'}: {problem[:300]}")
    return content


def _line(node: yaml.Node | None, place: list) -> int:
    """Line of the YAML node that keys and positions lead to; of the mapping around it where a key is merged in."""
    for step in place:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[step]
        else:
            node = next((value for key, value in node.value if key.value == step), node)
    return node.start_mark.line + 1 if node else 1


def _problems(content: dict) -> Iterator[tuple[list, str]]:
    """Find what is wrong: where (keys and positions) and what, by the schema first, then by what refers to what."""
    if problem := schemas.problem("papers/schema.json", content):
        yield problem
        return
    for part in ("experiments", "claims", "figures", "contradictions"):
        ids = [entry["id"] for entry in content[part]]
        yield from (([part, i, "id"], f"{name!r} stands twice") for i, name in enumerate(ids) if name in ids[:i])
    experiments = {experiment["id"] for experiment in content["experiments"]}
    for place, name in _mentions(content):
        if name not in experiments:
            yield place, f"there is no experiment {name!r}; use one of {', '.join(sorted(experiments))}"
    seen = set()
    for i, table in enumerate(content["tables"]):
        (row_axis, rows), (columns,) = next(iter(table["rows"].items())), table["columns"].values()
        for label, numbers in rows.items():
            if len(numbers) != len(columns):
                yield ["tables", i, "rows", row_axis, label], f"{len(numbers)} numbers for {len(columns)} columns"
        for number in _numbers(table):
            cell = (number["experiment"], number["metric"], number["genre"])
            if None in cell[:2]:
                yield ["tables", i], "each number needs an experiment and a metric, from a row, a column or the whole table"
            if cell in seen:
                yield ["tables", i], f"{' '.join(filter(None, cell))} stands in an earlier place already"
            seen.add(cell)


def _mentions(content: dict) -> Iterator[tuple[list, str]]:
    """Find every place that names an experiment."""
    yield ["headline"], content["headline"]
    for i, table in enumerate(content["tables"]):
        if "experiment" in table:
            yield ["tables", i, "experiment"], table["experiment"]
        for side in ("columns", "rows"):
            yield from ((["tables", i, side, "experiment"], name) for name in table[side].get("experiment", ()))
    for i, number in enumerate(content["numbers_in_text"]):
        if "experiment" in number:
            yield ["numbers_in_text", i, "experiment"], number["experiment"]
    for i, claim in enumerate(content["claims"]):
        difference = claim.get("difference", {})
        ranked = [name for entry in claim.get("ranking", ()) for name in ([entry] if isinstance(entry, str) else entry)]
        yield from ((["claims", i, "values"], name) for name in claim.get("values", ()))
        yield from ((["claims", i, "ranking"], name) for name in ranked)
        yield from ((["claims", i, "difference", side], difference[side]) for side in ("of", "over") if side in difference)


def _numbers(table: dict) -> Iterator[dict]:
    """Spread a table into one row a number; shares become fractions."""
    (row_axis, rows), (column_axis, columns) = (next(iter(table[side].items())) for side in ("rows", "columns"))
    fixed = {"experiment": table.get("experiment"), "metric": table.get("metric"), "genre": None}
    for row, numbers in rows.items():
        for column, value in zip(columns, numbers, strict=True):
            cell = fixed | {row_axis: row, column_axis: column}
            percent = table["unit"] == "percent" and cell["metric"] in SHARES
            yield cell | {"value": _fraction(value) if percent else float(value), "where": table["where"]}


def _fraction(percent: float) -> float:
    return round(percent / 100, 6)  # 57 / 100 without a tail of floating-point digits


def _paper(content: dict) -> Paper:
    """Make the tables of a paper from its checked content."""
    import pandas as pd

    def frame(rows, *columns: str) -> pd.DataFrame:
        return pd.DataFrame([{column: row.get(column) for column in columns} for row in rows], columns=list(columns), dtype=object)

    settings = [
        {"part": part, "setting": name} | setting for part, entries in content["settings"].items() for name, setting in entries.items()
    ]
    for experiment in content["experiments"]:
        own = experiment["settings"].items()
        settings += [{"part": "experiment", "experiment": experiment["id"], "setting": name} | setting for name, setting in own]
    settings = [row | {"unsaid": "value" not in row} for row in settings]
    comparisons = [row | {"value": _fraction(row["percent"])} for row in content["comparisons"]]
    numbers = [
        row | {"value": _fraction(row["value"]), "unit": "fraction"} if row["unit"] in ("percent", "points") else row
        for row in content["numbers_in_text"]
    ]
    results = [number for table in content["tables"] for number in _numbers(table)]
    judged = ("judged_by", "values", "ranking", "difference", "check", "rule", "why", "revised")
    claims = frame(content["claims"], "id", "text", "where", "metric", "genre", "protocol", "unsaid", "our_choice", *judged)
    experiments = frame(content["experiments"], "id", "name", "where", "layers", "parameters", "arithmetic").set_index("id")
    return Paper(
        id=content["id"],
        title=content["title"],
        authors=tuple(content["authors"]),
        venue=content["venue"],
        year=content["year"],
        headline=content["headline"],
        settings=frame(settings, "part", "experiment", "setting", "value", "where", "unsaid", "ours", "why").astype({"unsaid": bool}),
        experiments=experiments.astype({"parameters": "Int64"}),
        results=frame(results, "experiment", "metric", "genre", "value", "where").astype({"value": float}),
        comparisons=frame(comparisons, "source", "what", "dataset", "value", "where").astype({"value": float}),
        numbers_in_text=frame(numbers, "what", "value", "unit", "experiment", "where").astype({"value": float}),
        claims=claims.set_index("id"),
        figures=frame(content["figures"], "id", "shows", "reproduce", "why_not").set_index("id").astype({"reproduce": bool}),
        contradictions=frame(content["contradictions"], "id", "severity", "text", "check").set_index("id"),
        unsaid=tuple(content["unsaid"]),
    )
