"""Files that are written at once or not at all: a kill, a full disk or a second writer leaves no half of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def write(path: Path) -> Iterator[Path]:
    """Give a path to write to. What is written there becomes the file ``path`` at the end, and is removed where the writing failed.

    Parameters
    ----------
    path : Path
        The file; its folder is made where there is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{uuid4().hex}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
