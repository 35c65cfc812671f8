"""Anyone's own music: a folder with one subfolder a genre."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from musicgenre.corpora.audio import EXTENSIONS
from musicgenre.corpora.corpus import Corpus, exclusions
from musicgenre.errors import AccessError, DataError

SOUND_EXTENSIONS = frozenset().union(*EXTENSIONS.values())


def load(path: str | Path) -> Corpus:
    """Load a folder of sound files as a corpus.

    Parameters
    ----------
    path : str or Path
        A folder such as ``music`` with files such as ``music/rock/anything/at all.mp3``. The subfolders are the genres.

    Returns
    -------
    Corpus
        It has the folder's name. ``track_id`` is the genre and the path below it without the extension, such as
        ``rock/anything/at all``; where two files differ in nothing but the extension, it is kept. Files that are not sound are in
        ``excluded``. Nothing is known of artists; who knows them gives them with
        ``replace(corpus, clips=corpus.clips.assign(artist=…, artist_group=…))``.

    Raises
    ------
    AccessError
        If the system does not let a subfolder be read.
    DataError
        If there is no such folder, or fewer than two of its subfolders hold sound files.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    sounds, excluded = [], {}
    for file in sorted(files_below(root)):
        name = file.relative_to(root)
        if reason := _why_not(name):
            excluded[name.as_posix().encode(errors="backslashreplace").decode()] = reason
        else:
            sounds.append(name)
    genres = sorted({name.parts[0] for name in sounds})
    if len(genres) < 2:
        raise DataError(
            f"{root}: expected a subfolder with sound files for each of at least two genres, such as {root.name}/rock/song.wav; "
            f"found {len(genres)} ({', '.join(genres) or contents(root)}). GTZAN and FMA are loaded by name: gtzan, fma_small"
        )
    clips = pd.DataFrame({"genre": [name.parts[0] for name in sounds], "path": [str(root / name) for name in sounds]}, index=_ids(sounds))
    return Corpus(root.name, clips, exclusions(excluded))


def _ids(names: list[Path]) -> list[str]:
    taken = Counter([*names, *(name.with_suffix("") for name in names)])
    return [(name if taken[name.with_suffix("")] > 1 else name.with_suffix("")).as_posix() for name in names]


def files_below(root: Path) -> Iterator[Path]:
    """Find all files below a folder, through links as well, for folders may be links to other disks.

    A link that leads back to a folder on the way to it is given as if it were a file.

    Raises
    ------
    AccessError
        If the system does not let a folder be read.
    """

    def refuse(error: OSError) -> None:
        raise AccessError(f"{error.filename}: cannot be read ({error.strerror}); mend that and try again") from None

    for folder, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        here = Path(folder)
        way = {step.resolve() for step in (here, *here.parents)}
        loops = [name for name in folders if any(step.is_relative_to((here / name).resolve()) for step in way)]
        folders[:] = [name for name in folders if name not in loops]
        yield from (here / name for name in files + loops)


def _why_not(name: Path) -> str | None:
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    if any(part.startswith(".") for part in name.parts):
        return "a hidden file"
    if len(name.parts) == 1:
        return "it lies beside the genre folders, not in one"
    if name.suffix.lower() not in SOUND_EXTENSIONS:
        return f"{name.suffix or 'no extension'} is not a sound format that can be read; music must be WAV, AIFF, AU, FLAC, OGG or MP3"
    return None


def contents(folder: Path) -> str:
    """Say in a few words what a folder holds, for error messages."""
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir() if not entry.name.startswith("."))
    if not names:
        return "the folder is empty"
    return "it holds " + ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
