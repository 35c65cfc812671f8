"""What the benchmarks share: measuring in turn, a table of ratios, and a record of it in ``book/benchmarks``."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from musicgenre.runs import processor

RECORDS = Path(__file__).parents[1] / "book" / "benchmarks"
ROUNDS = 7


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table: the same work done in several ways; the first way is ours.

    Parameters
    ----------
    name : str
        What was done.
    unit : str
        Unit of the values: a time, of which less is better, or a rate (``…/s``), of which more is.
    values : dict
        For each way its values, one a round. A way without values is not installed.
    checked : str
        How the results were compared before anything was measured, and the tolerance.
    at_least : float or None
        Target: as many times as fast as each of the ways in ``against``.
    against : list of str
        The ways that the target counts against.
    at_most : float or None
        Target: the median of ours, in the unit.
    """

    name: str
    unit: str
    values: dict[str, list[float]]
    checked: str = ""
    at_least: float | None = None
    against: list[str] = field(default_factory=list)
    at_most: float | None = None

    def medians(self) -> dict[str, float]:
        """Return the median of each way that is installed; ours is the first."""
        return {way: statistics.median(values) for way, values in self.values.items() if values}

    def ratios(self) -> dict[str, tuple[float, float, float]]:
        """Return for each other way how many times as good ours is: the median, least and greatest ratio, round by round."""
        ours, *others = self.values
        power = -1 if self.unit.endswith("/s") else 1
        paired = {
            way: [(b / a) ** power for a, b in zip(self.values[ours], self.values[way], strict=True)] for way in others if self.values[way]
        }
        return {way: (statistics.median(ratios), min(ratios), max(ratios)) for way, ratios in paired.items()}

    def holds(self) -> bool | None:
        """Return whether the target is met; None where there is none, or nothing to compare with."""
        if self.at_most is not None:
            return next(iter(self.medians().values())) <= self.at_most
        ratios = [median for way, (median, _, _) in self.ratios().items() if way in self.against]
        return None if self.at_least is None or not ratios else min(ratios) >= self.at_least


def in_turn(ways: Mapping[str, Callable[[], object] | None], *, rounds: int = ROUNDS, scale: float = 1.0) -> dict[str, list[float]]:
    """Time each way once a round, in turn, so that a drift of the machine's speed meets all alike.

    Parameters
    ----------
    ways : mapping
        Functions without arguments; None for a way that is not installed. Each is called once before, uncounted.
    rounds : int
        Number of rounds.
    scale : float
        Factor from seconds to the unit of the row.

    Returns
    -------
    dict
        Values of each way, one a round.
    """
    installed = {way: function for way, function in ways.items() if function}
    values: dict[str, list[float]] = {way: [] for way in ways}
    for function in installed.values():
        function()
    for _ in range(rounds):
        for way, function in installed.items():
            started = time.perf_counter()
            function()
            values[way].append((time.perf_counter() - started) * scale)
    return values


def machine() -> dict[str, str | int]:
    """Return what the measurements depend on: processor, cores, operating system, Python, date."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": date.today().isoformat(),
    }


def read(name: str) -> tuple[dict, dict[str, Row]]:
    """Return a record of ``book/benchmarks``, and its rows by name."""
    record = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    return record, {row["name"]: Row(**row) for row in record["rows"]}


def in_words(record: dict) -> str:
    """Say when and where a record was measured, and with which versions."""
    machine = record["machine"]
    cores = f"{machine['cores']} cores, {machine['threads']} thread a process"
    where = f"{machine['date']}, {machine['processor']}, {cores}, {machine['system']}, Python {machine['python']}"
    return ", ".join([where, *(f"{package} {version}" for package, version in record["versions"].items())])


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the medians and ratios of rows as text: one row each, a column for each way; where there is a target, whether it is met."""
    lines = {}
    for row in rows:
        ratios = {way: f" ({median:.2g}×, {low:.2g}–{high:.2g})" for way, (median, low, high) in row.ratios().items()}
        cells = dict.fromkeys(row.values, "not installed") | {
            way: (f"{value:,.0f}" if value >= 100 else f"{value:.3g}") + ratios.get(way, "") for way, value in row.medians().items()
        }
        target = "" if row.at_most is None else f"at most {row.at_most:g}"
        target = target if row.at_least is None else f"{row.at_least:g}× {', '.join(row.against)}"
        met = {True: "yes", False: "no", None: ""}[row.holds()]
        lines[row.name] = {"unit": row.unit, **cells, "target": target, "met": met}
    return pd.DataFrame.from_dict(lines, orient="index").fillna("")


def report(name: str, rows: list[Row], packages: list[str]) -> None:
    """Print the rows as a table and write them, with the machine and the versions of the packages, to ``book/benchmarks/<name>.json``."""
    record = {"machine": machine(), "versions": {package: version(package) for package in packages}, "rows": [asdict(row) for row in rows]}
    print(", ".join(f"{key} {value}" for key, value in (record["machine"] | record["versions"]).items()))
    print(table(rows).to_string())
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
