"""The repository keeps its own rules: clean notebooks with one skeleton, one list of chapters, one address, one set of dependencies."""

import ast
import json
import re
import runpy
import shlex
import tomllib

import pytest
import typer
import yaml
from conftest import CHAPTERS, CONFIG, ROOT, toc_files
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from musicgenre import cli, experiments, papers, runs

NOTEBOOKS = ROOT / "notebooks"
LONGEST_CELL = 40  # lines, about a screen
LOCAL_PATH = re.compile(r"(?<![\w./])/(?:home|Users|root|tmp|mnt|media)/|\b[A-Z]:\\")
NUMBER = r"\d[\d,]*(?:\.\d+)?"
PER_CENT = re.compile(rf"(?<![\w.,])((?:{NUMBER}\s*%?\s*(?:to|and|or|[–>,-])\s*)*{NUMBER})\s*(?:%|per\s?cent\b)")  # also "5 to 10 %"
MADE = re.compile(r"<!-- (\w+): begin \(made by .*?<!-- \1: end -->", re.DOTALL)  # blocks of the README, which another test compares
INTERVAL = re.compile(r"\b95\s*%\s*(?=(?:\{term\}`)?(?:interval|level))")  # the definition of an interval, not a result
CITED = re.compile(r"\{cite:[pt]\}")
#: Percentages that are neither measured nor reported, by the words around them.
SUPPOSED = {
    "a calibrated model is 80 % sure of, 80 % are right": "explains a term",
    "in a stated share of all cases, here 95 %": "explains a term",
    "in nine steps of up to 25 %": "setting of the search for replicas",
    "20 % of GTZAN": "size of a test part",
    "points at 55 %, {:.1f} at 75 %": "accuracies at which a formula is evaluated",
    "Two systems at 75 % and 80 %": "example",
    "A paper reports 78 % for a new system and 75 % for the old one": "exercise",
    "that are all right on 49 % of all music": "exercise",
    "that 99 % of the test segments": "exercise",
}
TAUGHT = re.compile(r"Taught in the notebooks? (.+?)\.(?:\s|$)", re.DOTALL)
EMPTY_ALT = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>")


def read(name: str) -> str:
    """Text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def cells(chapter: str, kind: str | None = None) -> list[dict]:
    """Cells of a chapter, of one kind or all, with their source as one string."""
    found = json.loads(read(f"notebooks/{chapter}.ipynb"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found if kind in (None, cell["cell_type"])]


def tags(cell: dict) -> list[str]:
    """Tags of a cell."""
    return cell["metadata"].get("tags", [])


def headings(chapter: str) -> list[str]:
    """Headings of a chapter with their number signs, apostrophes made plain."""
    text = "\n".join(cell["source"] for cell in cells(chapter, "markdown")).replace("’", "'")
    return re.findall(r"^#+ .+", text, re.MULTILINE)


def docstrings() -> list[tuple[str, str, str]]:
    """Every docstring of the package that names a chapter: name of the object, module path, docstring."""
    found = []
    for path in sorted((ROOT / "musicgenre").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                if "Taught in" in text:
                    module = path.parent.name if path.stem == "__init__" else path.stem
                    found.append((getattr(node, "name", module), path.relative_to(ROOT).as_posix(), text))
    return found


def texts() -> list[tuple[str, str]]:
    """What readers see that was typed: pages, text cells, and the strings of code cells."""
    found = [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in (*ROOT.glob("*.md"), *ROOT.glob("book/*.md"))
    ]
    for chapter in CHAPTERS:
        found += [(chapter, cell["source"]) for cell in cells(chapter, "markdown")]
        for cell in cells(chapter, "code")[1:]:  # the first installs the package, with a command that is not Python
            found += [
                (chapter, node.value) for node in ast.walk(ast.parse(cell["source"])) if isinstance(getattr(node, "value", None), str)
            ]
    return found


def percentages(text: str) -> set[float]:
    """Numbers with a per cent sign behind them."""
    return {float(number.replace(",", "")) for found in PER_CENT.findall(text) for number in re.findall(NUMBER, found)}


def reported(paper_id: str) -> set[float]:
    """Percentages in the YAML file of a paper: accuracies, settings, and what its sentences say."""
    paper = papers.read(paper_id)
    whole = paper.results[paper.results["genre"].isna() & paper.results["metric"].isin(papers.SHARES)]
    values = [
        *whole["value"],
        *paper.comparisons["value"],
        *paper.numbers_in_text["value"],
        *paper.settings["value"],
        *paper.settings["ours"],
    ]
    return {round(100 * value, 2) for value in values if isinstance(value, float)} | percentages(read(f"musicgenre/papers/{paper_id}.yml"))


def test_chapters_on_disk_in_the_contents_and_in_the_readme_are_the_same():
    """A notebook that is listed nowhere is neither built nor tested; one that is listed but missing breaks the build."""
    on_disk = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    in_readme = re.findall(r"^\|.*\]\(notebooks/(\w+)\.ipynb\)", read("README.md"), re.MULTILINE)
    assert on_disk == sorted(CHAPTERS) == CHAPTERS
    assert in_readme == CHAPTERS


def test_every_page_of_the_contents_exists_and_every_page_is_in_the_contents():
    """Pages in `book` and the table of contents name each other."""
    listed = {file for file in toc_files() if file.startswith("book/")}
    assert listed == {f"book/{path.stem}" for path in (ROOT / "book").glob("*.md")}


@pytest.mark.parametrize("chapter", CHAPTERS)
class TestChapter:
    """Each notebook is committed clean and follows the skeleton of CONTRIBUTING.md."""

    def test_is_committed_without_outputs(self, chapter):
        """Outputs are made by the build, so that none can be stale."""
        assert [cell["source"] for cell in cells(chapter, "code") if cell["outputs"] or cell["execution_count"] is not None] == []
        assert "widgets" not in json.loads(read(f"notebooks/{chapter}.ipynb"))["metadata"]

    def test_begins_with_title_time_goals_and_prerequisites(self, chapter):
        """The first cell tells a reader whether to go on."""
        first = cells(chapter)[0]
        assert first["cell_type"] == "markdown"
        assert first["source"].startswith("# ")
        assert re.search(r"\*\*Time to learn:\*\* \d+ minutes · \*\*Profiles:\*\* [\w, ]+ · \*\*Accelerator:\*\* \w+", first["source"])
        assert "\n**Goals**\n" in first["source"]
        assert "\n**Prerequisites**\n" in first["source"]

    def test_has_one_title_and_the_closing_sections(self, chapter):
        """Take-away, exercises, and where to go from here."""
        found = headings(chapter)
        assert sum(heading.startswith("# ") for heading in found) == 1
        assert {"## Take-away", "## Exercises", "## What's next"} <= set(found)

    def test_installs_the_package_in_colab_first(self, chapter):
        """The first code cell is the same everywhere; it fetches a checkout, which has the run records. It is not shown on the site."""
        repository = CONFIG["repository"]
        first = cells(chapter, "code")[0]
        assert first["source"] == (
            'import sys\n\nif "google.colab" in sys.modules:\n'
            f"    !git clone --quiet --depth 1 --branch {repository['branch']} {repository['url']} /content/musicgenre\n"
            "    %cd -q /content/musicgenre\n    %pip install --quiet ."
        )
        assert tags(first) == ["remove-cell"]

    def test_has_one_configuration_cell_before_all_other_code(self, chapter):
        """What a reader may want to change stands in one place."""
        assert ["config" in tags(cell) for cell in cells(chapter, "code")].index(True) == 1
        assert sum("config" in tags(cell) for cell in cells(chapter)) == 1

    def test_every_exercise_has_a_folded_solution_that_checks_itself(self, chapter):
        """Solutions run as tests, in the book and in the test suite."""
        exercises = [heading for heading in headings(chapter) if heading.startswith("### Exercise ")]
        solutions = [cell for cell in cells(chapter, "code") if "solution" in tags(cell)]
        assert exercises
        assert len(solutions) >= len(exercises)
        for solution in solutions:
            assert "hide-cell" in tags(solution)
            assert "assert" in solution["source"]
            assert solution["metadata"]["mystnb"]["code_prompt_show"] == "Show the solution"

    def test_has_no_cell_longer_than_a_screen(self, chapter):
        """What does not fit a screen belongs in the package or in two cells."""
        assert [cell["source"] for cell in cells(chapter) if cell["source"].count("\n") >= LONGEST_CELL] == []

    def test_names_no_local_folder(self, chapter):
        """A chapter runs on anyone's machine."""
        assert [cell["source"] for cell in cells(chapter) if LOCAL_PATH.search(cell["source"])] == []

    def test_describes_its_images(self, chapter):
        """Images in text and figures from code have a text for those who cannot see them."""
        assert [cell["source"] for cell in cells(chapter, "markdown") if EMPTY_ALT.search(cell["source"])] == []
        for cell in cells(chapter, "code"):
            options = cell["metadata"].get("mystnb", {})
            if "figure" in options:
                assert options["image"]["alt"]
                assert options["figure"]["caption"]

    def test_uses_no_hidden_kernel(self, chapter):
        """Every machine has the kernel `python3`."""
        assert json.loads(read(f"notebooks/{chapter}.ipynb"))["metadata"]["kernelspec"]["name"] == "python3"


def test_figure_names_are_unique_across_chapters():
    """Two figures of one name would make references ambiguous."""
    names = [cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") for chapter in CHAPTERS for cell in cells(chapter, "code")]
    names = [name for name in names if name]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(("name", "path", "text"), [pytest.param(*entry, id=f"{entry[1]}:{entry[0]}") for entry in docstrings()])
def test_docstrings_name_chapters_that_use_them(name, path, text):
    """A docstring that says where something is taught is right: the chapter exists and names it."""
    taught = TAUGHT.search(text)
    assert taught, f"{path}: {name}: write: Taught in the notebook ``NN_name``."
    named = re.findall(r"``(\w+)``", taught.group(1))
    assert named
    for chapter in named:
        assert chapter in CHAPTERS, f"{path}: {name} names the chapter {chapter}, which does not exist"
        code = "\n".join(cell["source"] for cell in cells(chapter, "code"))
        prose = "\n".join(cell["source"] for cell in cells(chapter, "markdown"))
        used = re.search(rf"\b{name}\b", code) or re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", prose)
        assert used, f"{chapter} does not use {path}: {name}"


def test_commands_in_the_texts_name_runs_that_there_are():
    """Whoever copies a command of the book gets runs, and not an error."""
    replicate = typer.main.get_command(cli.app).commands["replicate"]
    found = {command for _, text in texts() for command in re.findall(r"musicgenre replicate +((?:-|\w*[a-z])[^`\"\n{}…]*)", text)}
    assert len(found) > 3
    for command in found:
        given = replicate.make_context("replicate", shlex.split(command.replace("FOLDER", "."), comments=True)).params
        for paper in experiments.PAPERS if given["everything"] else [given["paper"]]:
            chosen = [experiments.get(paper, name) for name in given["experiment"] or experiments.of_paper(paper)]
            assert runs.plan(chosen, protocols=given["protocol"], seeds=given["seeds"]), command


def test_no_result_is_typed_by_hand():
    """A typed percentage is one of the paper that the chapter treats or the line names, or its source is cited, or it is no result."""
    known = {paper: reported(paper) for paper in papers.PAPERS}
    typed, unused = [], set(SUPPOSED)
    for place, text in texts():
        for line in INTERVAL.sub("", MADE.sub("", text)).splitlines():
            unused -= {words for words in SUPPOSED if words in line}
            for words in SUPPOSED:
                line = line.replace(words, "")
            allowed = set().union(*(numbers for paper, numbers in known.items() if paper in place + line))
            if percentages(line) - allowed and not CITED.search(line):
                typed.append((place, line))
    assert typed == [], "compute these numbers from a run record or a paper's YAML file"
    assert unused == set()


def test_the_page_of_the_package_holds_every_module():
    shown = set(re.findall(r"automodule:: (\S+)", read("book/api.md")))
    modules = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "musicgenre").rglob("*.py")}
    assert shown == {name.removesuffix("/__init__").replace("/", ".") for name in modules} - {"musicgenre", "musicgenre.cli"}


def test_the_readme_holds_what_the_records_give():
    """The headlines and verdicts in the README are made from the run records, and made again when they change."""
    updated = runpy.run_path(str(ROOT / "book" / "_ext" / "readme.py"))["updated"]
    assert updated(read("README.md")) == read("README.md"), "run records or papers have changed: run `make readme`"


def test_compiled_code_does_not_make_the_book_run_again(tmp_path):
    """The digest that names the execution cache changes with the package, not with what Python and numba compile of it."""
    digest = runpy.run_path(str(ROOT / "book" / "_ext" / "musicgenre_book.py"))["digest"]
    digest.__globals__["ROOT"] = tmp_path
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "musicgenre" / "__pycache__").mkdir(parents=True)
    before = digest()
    (tmp_path / "musicgenre" / "__pycache__" / "kernels.nbi").touch()
    assert digest() == before
    (tmp_path / "musicgenre" / "new.py").touch()
    assert digest() != before


def imported(path) -> set[str]:
    """Modules that a file imports, at its top or inside functions: ``musicgenre.runs``, ``keras``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_modules_import_only_from_those_before_them():
    """The order is that of CONTRIBUTING.md; a folder is one module."""
    order = re.search(r"\*(schemas, .*?)\.\*", read("CONTRIBUTING.md"), re.DOTALL)[1].replace("\n", " ")
    layers = ["errors", "atomic", "settings", *(name.strip() for name in order.split(","))]
    modules = {path: path.relative_to(ROOT / "musicgenre").with_suffix("").parts[0] for path in (ROOT / "musicgenre").rglob("*.py")}
    assert set(modules.values()) == {*layers, "__init__"}
    for path, own in modules.items():
        used = {name.split(".")[1] for name in imported(path) if name.startswith("musicgenre.")} & set(layers)
        assert own == "__init__" or {name for name in used if layers.index(name) > layers.index(own)} == set(), path


@pytest.mark.parametrize("folder", ["models", "experiments"])
def test_models_and_their_training_use_keras_alone(folder):
    for path in (ROOT / "musicgenre" / folder).glob("*.py"):
        assert {name.split(".")[0] for name in imported(path)} & {"tensorflow", "jax", "torch"} == set(), path


def test_the_address_of_the_repository_is_the_configured_one_everywhere():
    """The address is set in `_config.yml`; other files may repeat it but not contradict it."""
    url = CONFIG["repository"]["url"]
    owner, name = url.removeprefix("https://github.com/").split("/")
    for pattern in ("*.md", "*.cff", "*.toml", "book/*.md", "notebooks/*.ipynb"):
        for path in ROOT.glob(pattern):
            text = path.read_text(encoding="utf-8")
            assert set(re.findall(rf"github(?:\.com)?/{owner}/([\w-]+)", text)) <= {name}, path
            assert set(re.findall(rf"github(?:\.com)?/([\w-]+)/{name}\b", text)) <= {owner}, path
    (fetched,) = re.findall(r"!git clone .*", read("CONTRIBUTING.md"))
    assert {fetched in cells(chapter, "code")[0]["source"] for chapter in CHAPTERS} == {True}
    assert url in read("README.md")
    assert yaml.safe_load(read("CITATION.cff"))["repository-code"] == url


def test_readme_links_each_chapter_in_colab():
    """The README's Colab links follow from the configured address."""
    repository = CONFIG["repository"]
    base = f"{CONFIG['launch_buttons']['colab_url']}/github/{repository['url'].removeprefix('https://github.com/')}/blob/{repository['branch']}"
    for chapter in CHAPTERS:
        assert f"{base}/notebooks/{chapter}.ipynb" in read("README.md")


def test_version_is_the_same_everywhere():
    """Package, project file and citation agree."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert f'__version__ = "{project["version"]}"' in read("musicgenre/__init__.py")
    assert yaml.safe_load(read("CITATION.cff"))["version"] == project["version"]


def test_lock_file_covers_every_dependency_and_names_no_host():
    """`requirements.lock` was made after the last change of the dependencies, and works with any package index."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [line for extra in ("book", "cluster", "test") for line in extras[extra]]
    wanted = [requirement for requirement in map(Requirement, wanted) if requirement.name != "musicgenre"]
    lock = read("requirements.lock")
    locked = re.findall(r"^([\w-]+)==([^\s;]+)", lock, re.MULTILINE)  # a package has several where Pythons differ
    for requirement in wanted:
        versions = [version for name, version in locked if name == canonicalize_name(requirement.name)]
        assert versions and all(version in requirement.specifier for version in versions), requirement
    assert "://" not in lock


def test_the_conda_environment_declares_no_versions_of_its_own():
    """`environment.yml` takes the packages from the lock file."""
    *conda, pip = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert [re.match(r"\w+", line).group() for line in conda] == ["python", "pip", "make"]
    required = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    assert conda[0].removeprefix("python=") in SpecifierSet(required)
    assert pip == {"pip": ["-r requirements.lock", "-e ."]}


def test_every_citation_of_the_papers_has_an_entry():
    """The key of a paper in the bibliography is its id in the package."""
    keys = set(re.findall(r"^@\w+\{(\w+),", read("book/references.bib"), re.MULTILINE))
    assert {path.stem for path in (ROOT / "musicgenre" / "papers").glob("*_[0-9]*.yml")} <= keys
