"""Sphinx extension: what the book needs of its build beyond `_config.yml`.

The execution cache of Jupyter Book compares only the code cells of a notebook. After an edit of the package, under another profile or with
new run records it would go on showing the old outputs. So the cache folder is named here by a digest of all of these, and the folders of
other digests are removed. To Sphinx the new name is a changed setting: it reads every page anew.
"""

import hashlib
import json
import os
import platform
import shutil
from pathlib import Path

import pandas as pd
from sphinx.application import Sphinx
from sphinx.config import Config

from musicgenre import papers, runs, settings, tables

ROOT = Path(__file__).parents[2]
SCOREBOARD = "book/scoreboard"


def digest() -> str:
    """Hash of the settings, the lock file, the package, the run records and the measurements, 16 hexadecimal digits."""
    sha = hashlib.sha256()
    for setting in (settings.profile(), settings.data_folder(), os.environ.get("KERAS_BACKEND"), platform.python_version()):
        sha.update(f"{setting}\0".encode())
    folders = ("musicgenre", "benchmarks", "book/results", "book/benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted([ROOT / "requirements.lock", *files]):
        if "__pycache__" not in path.parts:  # numba keeps its code there too
            sha.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return sha.hexdigest()[:16]


def configure(app: Sphinx, config: Config) -> None:
    """Name the cache by the current digest and remove others; fix the profile, the run records and the numbers that the pages show."""
    caches = Path(app.outdir).parent / ".jupyter_cache"
    config.nb_execution_cache_path = str(caches / digest())
    for folder in caches.glob("*"):
        if str(folder) != config.nb_execution_cache_path:
            shutil.rmtree(folder)
    headlines = tables.headlines(runs.read_records(ROOT / "book" / "results"))
    config.myst_substitutions = {"profile": str(settings.profile()), "headlines": headlines, **best_accuracies()}
    os.environ["MUSICGENRE_RESULTS"] = str(ROOT / "book" / "results")


def best_accuracies() -> dict[str, str]:
    """Return the best test accuracy that each paper prints, such as ``{"best_holst_2021": "88.5 %"}``; not every paper prints one."""
    results = pd.concat([papers.read(paper).results.assign(paper=paper) for paper in papers.PAPERS])
    best = results[results["metric"] == "accuracy"].groupby("paper")["value"].max()
    return {f"best_{paper}": f"{100 * value:.4g} %" for paper, value in best.items()}


def set_up_kernels(app: Sphinx) -> None:
    """Run the notebooks under an IPython profile of the build's own.

    Settings and start-up files of the user stay out of it, and so does what C++ libraries print on stderr, which no option of TensorFlow
    silences. Warnings of Python are still captured, and fail the build.
    """
    profile = Path(app.outdir).parent / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.capture_fd_output = False\n")
    os.environ["IPYTHONDIR"] = str(profile.parent)


def add_script(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Give the scoreboard, and no other page, its script."""
    if page == SCOREBOARD:
        app.add_js_file("scoreboard.js")


def write_scoreboard(app: Sphinx, error: Exception | None) -> None:
    """Write the scoreboard as data beside its page; in CSV, values of a list are separated by spaces."""
    if error is None and app.builder.format == "html":
        board, file = tables.scoreboard(), Path(app.outdir) / SCOREBOARD
        file.with_suffix(".json").write_text(json.dumps(board.to_dict("records"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        lists = {name: board[name].str.join(" ") for name in ("protocol", "records")}
        board.assign(**lists).to_csv(file.with_suffix(".csv"), index=False)


def link_chapters(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn the names of chapters in docstrings into links."""
    for chapter in (ROOT / "notebooks").glob("*.ipynb"):
        lines[:] = [line.replace(f"``{chapter.stem}``", f":doc:`/notebooks/{chapter.stem}`") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("config-inited", configure)
    app.connect("builder-inited", set_up_kernels)
    app.connect("autodoc-process-docstring", link_chapters)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_scoreboard)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
