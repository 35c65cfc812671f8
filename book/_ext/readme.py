"""Write what the run records give into the README: `make readme`."""

import re
from pathlib import Path

from musicgenre import runs, tables

ROOT = Path(__file__).parents[2]


def updated(readme: str) -> str:
    """Return the README with the headlines and verdicts that the run records give now."""
    records = runs.read_records(ROOT / "book" / "results")
    board = tables.scoreboard(records)
    counts = tables.summary(board)
    rows = [["Paper", *counts.columns], ["---", *["---:"] * len(counts.columns)], *([paper, *row] for paper, *row in counts.itertuples())]
    (profile,) = board["profile"].unique()
    blocks = {
        "headlines": tables.headlines(records),
        "verdicts": "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows),
    }
    for name, content in blocks.items():
        block = re.compile(rf"(<!-- {name}: begin .*? -->\n).*(<!-- {name}: end -->)", re.DOTALL)
        readme, found = block.subn(rf"\1\n{content}\n\nProfile `{profile}`.\n\n\2", readme)
        if found != 1:
            raise ValueError(f"README.md: {found} places for the {name}, between comments such as <!-- {name}: end -->; there must be one")
    return readme


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
