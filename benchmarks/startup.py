"""Time how long it takes until ``import musicgenre`` and ``musicgenre --help`` are done: whole processes, beside an empty Python."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import Row, in_turn, report

COMMAND = Path(sys.executable).with_name("musicgenre")


def process(*command: str | Path) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    seconds = in_turn(
        {
            "import musicgenre": process(sys.executable, "-c", "import musicgenre"),
            "musicgenre --help": process(COMMAND, "--help"),
            "empty Python": process(sys.executable, "-c", ""),
        }
    )
    empty = {"empty Python": seconds.pop("empty Python")}
    report("startup", [Row(name=name, unit="s", values={"ours": values} | empty, at_most=0.5) for name, values in seconds.items()], [])


if __name__ == "__main__":
    main()
