"""What all tests share: quiet and private settings, and the fixtures for real data and for the repository's own files."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
import yaml

from musicgenre import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
hypothesis.settings.register_profile("musicgenre", deadline=None)  # shared machines are slow now and then
hypothesis.settings.load_profile("musicgenre")

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def toc_files() -> list[str]:
    """The files of the table of contents in order, without extension, such as ``notebooks/01_the_data``."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def pytest_configure(config: pytest.Config) -> None:
    """Compile librosa before the workers of pytest-xdist do so at once, which would break numba's cache (numba issue 10128)."""
    if not hasattr(config, "workerinput"):  # which is what the workers have
        import librosa.beat
        import librosa.core.pitch  # noqa: F401


CHAPTERS = [Path(file).name for file in toc_files() if file.startswith("notebooks/")]


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory) -> Iterator[None]:
    """A cache of these tests alone: features that other code has computed would hide what is broken now. Rendered clips are shared."""
    cache = tmp_path_factory.mktemp("cache")
    with contextlib.suppress(OSError):  # where links are not allowed, the clips are rendered again
        for rendered in settings.cache_folder().glob("synthetic-*"):
            (cache / rendered.name).symlink_to(rendered, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSICGENRE_CACHE", str(cache))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped where ``MUSICGENRE_DATA`` is unset."""
    if not os.environ.get("MUSICGENRE_DATA"):
        pytest.skip("needs real data: set MUSICGENRE_DATA")
    return Path(os.environ["MUSICGENRE_DATA"])


def lacks(reason: str) -> NoReturn:
    """Skip a test for want of something; fail it in CI, where everything is."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def need(data: Path, name: str) -> Path:
    """Return the file of this name in the folder of real data; skip the test where there is none, but not in CI, where all are."""
    found = sorted(data.rglob(name))
    if not found:
        lacks(f"needs {name} in MUSICGENRE_DATA")
    return found[0]
