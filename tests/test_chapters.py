"""Every claim, figure and contradiction of a paper has its place in the paper's chapter, every table row its experiment."""

import json
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from musicgenre import experiments, verdicts
from musicgenre.papers import PAPERS, read

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def chapter(paper: str) -> str:
    (path,) = NOTEBOOKS.glob(f"*_{paper}.ipynb")
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])


@pytest.mark.parametrize("paper", PAPERS)
def test_everything_a_paper_says_has_its_place(paper):
    said = read(paper)
    wanted = [*said.claims.index, *(f"figure-{figure}" for figure in said.figures.index), *said.contradictions.index]
    labels = re.findall(r"^\(([\w-]+)\)=$", chapter(paper), flags=re.MULTILINE)
    missing = [name for name in wanted if f"{paper}-{name}" not in labels]
    assert not missing
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("paper", PAPERS)
def test_every_row_of_every_table_has_an_experiment(paper):
    known = experiments.of_paper(paper)
    assert set(read(paper).experiments.index) <= set(known)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_check_that_a_claim_names_can_be_run(paper):
    said = read(paper)
    assert all(callable(verdicts.check(said, name)) for name in said.claims["check"].dropna())


@pytest.mark.parametrize("paper", PAPERS)
def test_every_check_that_a_contradiction_names_is_in_the_chapter_or_in_its_module(paper):
    name = f"musicgenre.checks.{paper}"
    module, text = import_module(name) if find_spec(name) else None, chapter(paper)
    named = read(paper).contradictions["check"].dropna()
    assert [name for name in named if not (callable(getattr(module, name, None)) or f"def {name}(" in text)] == []
