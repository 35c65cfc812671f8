"""Write the verdicts into the README: `make readme`."""

import re
from pathlib import Path

from musicgenre import runs, tables

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- verdicts: begin .*? -->\n).*(<!-- verdicts: end -->)", re.DOTALL)


def updated(readme: str) -> str:
    """Return the README with the verdicts that the run records give now."""
    board = tables.scoreboard(runs.read_records(ROOT / "book" / "results"))
    counts = tables.summary(board)
    rows = [["Paper", *counts.columns], ["---", *["---:"] * len(counts.columns)], *([paper, *row] for paper, *row in counts.itertuples())]
    table = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
    (profile,) = board["profile"].unique()
    written, blocks = BLOCK.subn(rf"\1\n{table}\n\nProfile `{profile}`.\n\n\2", readme)
    if blocks != 1:
        raise ValueError(f"README.md: {blocks} places for the verdicts, between comments such as <!-- verdicts: end -->; there must be one")
    return written


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
