"""GTZAN: 1,000 clips of 30 s, 100 of each of ten genres (Tzanetakis & Cook 2002).

The audio has no licence and is not part of this package: :func:`load` reads a copy that is on disk, :func:`fetch` downloads one.
What is known about the clips is part of it, in ``gtzan_tracks.csv``. It is put together from four sources:

- artist and title: the index of GTZAN by Bob Sturm ("The GTZAN dataset: Its contents, its faults, their effects on evaluation,
  and its future use", arXiv:1306.1461), 244 artists of 919 clips;
- ``fault_filtered``: the split of C. Kereliuk, B. Sturm & J. Larsen ("Deep Learning and Music Adversaries", IEEE Transactions on
  Multimedia 17, 2015), 443 / 197 / 290 clips; no artist, by name, is in two parts, and 70 clips are left out;
- ``artist_fold``, ``artist_group``: the three artist-filtered folds of J. Foleiss & T. Tavares ("Texture selection for automatic
  music genre classification", Applied Soft Computing 89, 2020), 948 clips; no artist group is in two folds, and 52 clips, repeated
  or too distorted, are left out. Groups and names disagree for some artists: the folds keep apart the groups, not the names;
- ``md5``: checksum of each file of the original archive, from the index of mirdata (version 1.0).
"""

import os
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pandas as pd
import pooch
from joblib import Parallel, delayed

from musicgenre.corpora import download
from musicgenre.corpora.corpus import Corpus, exclusions
from musicgenre.corpora.folder import contents
from musicgenre.errors import DataError, SettingsError

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
EXPECTED = (
    "GTZAN is expected as <folder>/genres/blues/blues.00000.wav (or .au) and so on, or, as in Kaggle's copy, as "
    "<folder>/genres_original/blues/blues.00000.wav; musicgenre.corpora.gtzan.fetch(folder) downloads it"
)

# The archive on Hugging Face was packed anew; its jazz.00054 is damaged, as in Kaggle's copy. The other two are the original, whose
# own server has been down since 2023.
_ORIGINAL = "md5:5b3d6dddb579ab49814ab86dba69e7c7"
MIRRORS = {
    "full": (
        download.Mirror(
            "https://huggingface.co/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz",
            "sha256:b28cc067ff6199bd826f5d1a6931458586d64acae7f44b2e882b7a97af057531",
        ),
        download.Mirror("https://web.archive.org/web/20220328223413if_/http://opihi.cs.uvic.ca/sound/genres.tar.gz", _ORIGINAL),
        download.Mirror("http://opihi.cs.uvic.ca/sound/genres.tar.gz", _ORIGINAL),
    ),
    "mini": (
        download.Mirror(
            "https://github.com/TempoBeatDownbeat/gtzan_mini/archive/refs/heads/main.zip",
            "md5:44f7f23af8363d96c59663a987f29a4c",
        ),
    ),
}


def load(folder: str | Path) -> Corpus:
    """Load a copy of GTZAN, whole or in part.

    Parameters
    ----------
    folder : str or Path
        The folder ``genres`` (or Kaggle's ``genres_original``), or one that holds it up to three folders below.

    Returns
    -------
    Corpus
        ``track_id`` is the file name without extension, such as ``blues.00000``. All 1,000 clips are accounted for: those that
        the copy lacks are in ``excluded``, and so is every file that is not a clip.

    Raises
    ------
    DataError
        If no clips are found there, or more than one copy is.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    root = _find(Path(folder).expanduser().resolve())
    known = facts()
    paths: dict[str, str] = {}
    excluded: dict[str, str] = {}
    for file in sorted(_entries(root), key=lambda path: (path.suffix.lower() != ".wav", path)):
        name = file.relative_to(root)
        if reason := _why_not(file, name, known.index):
            excluded[name.as_posix()] = reason
        elif name.stem in paths:
            excluded[name.as_posix()] = f"the same clip as {Path(paths[name.stem]).name}"
        else:
            paths[name.stem] = str(file)
    excluded |= dict.fromkeys(known.index.difference(list(paths)), "no file in this copy")
    return Corpus("gtzan", known.loc[list(paths)].assign(path=pd.Series(paths)), exclusions(excluded))


def from_facts(track_ids: Iterable[str], reason: str) -> Corpus:
    """Make a corpus without audio, for an archive of ready-made features.

    Parameters
    ----------
    track_ids : iterable of str
        The clips that the archive holds.
    reason : str
        Why the other clips of GTZAN are excluded, such as "not in the archive".

    Raises
    ------
    DataError
        If an id is not that of a clip of GTZAN.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    track_ids = [str(track_id) for track_id in track_ids]
    known = facts()
    unknown = sorted(set(track_ids) - set(known.index))
    if unknown:
        raise DataError(f"{unknown[0]!r} is not a clip of GTZAN, which are named like blues.00000 ({len(unknown)} such names)")
    return Corpus("gtzan", known.loc[track_ids], exclusions(dict.fromkeys(known.index.difference(track_ids), reason)))


def facts() -> pd.DataFrame:
    """Return what is known about the 1,000 clips.

    Returns
    -------
    pandas.DataFrame
        Index ``track_id``; the columns of ``gtzan_tracks.csv`` (see the module's text for their sources) and ``fault``:
        ``replica:<track_id>`` where the files of two clips are equal byte for byte (both are marked), ``repeated or distorted``
        where the artist folds leave the clip out for another reason; which of the two, their authors do not say. Missing values
        are NaN, in ``fault`` None.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    with (files("musicgenre.corpora") / "gtzan_tracks.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, index_col="track_id", dtype=str, keep_default_na=False, na_values=[""])
    table["fault"] = None
    table.loc[table["artist_fold"].isna(), "fault"] = "repeated or distorted"
    for _, twins in table[table["md5"].duplicated(keep=False)].groupby("md5"):
        first, second = twins.index
        table.loc[[first, second], "fault"] = [f"replica:{second}", f"replica:{first}"]
    return table


def verify(corpus: Corpus) -> pd.DataFrame:
    """List the clips whose file is not, byte for byte, that of the original archive.

    Returns
    -------
    pandas.DataFrame
        One row a clip that differs: index ``track_id``, columns ``path``, ``md5`` and ``original_md5``. Empty if none does. A copy
        in another format (such as ``.au``) differs throughout.

    Raises
    ------
    DataError
        If the corpus holds no audio, or a file is gone.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    paths = corpus.audio_paths
    digests = Parallel(n_jobs=-1, prefer="threads")(delayed(_md5)(path) for path in paths)
    table = pd.DataFrame({"path": paths, "md5": digests, "original_md5": facts()["md5"].reindex(paths.index)})
    return table[table["md5"] != table["original_md5"]]


def fetch(folder: str | Path, version: Literal["full", "mini"] = "full") -> Path:
    """Download GTZAN, unless it is there already. It has no licence: use it for research.

    Parameters
    ----------
    folder : str or Path
        The clips go to ``folder/gtzan/genres``, or ``folder/gtzan_mini/genres``.
    version : {"full", "mini"}
        All 1,000 clips (1.2 GB to download), or the 100 of mirdata's mini version, 10 a genre.

    Returns
    -------
    Path
        The folder ``genres``, for :func:`load`.

    Raises
    ------
    DataError
        If it cannot be downloaded; the message says how to do it by hand.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    if version not in MIRRORS:
        raise SettingsError(f"GTZAN has no version {version!r}; use full or mini")
    name, member, subfolder = {
        "full": ("genres.tar.gz", "genres", "gtzan"),
        "mini": ("gtzan_mini.zip", "gtzan_mini-main/genres", "gtzan_mini"),
    }[version]
    return download.install(name, MIRRORS[version], member, Path(folder).expanduser().resolve() / subfolder / "genres")


def _find(folder: Path) -> Path:
    if folder.is_file():
        raise DataError(f"{folder} is a file, not a folder; if it is an archive, unpack it first. {EXPECTED}")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. {EXPECTED}")
    found = list(_search(folder, depth=3))
    if not found:
        raise DataError(f"{folder}: no clips of GTZAN in it, nor up to three folders below; {contents(folder)}. {EXPECTED}")
    if len(found) > 1:
        raise DataError(f"{folder} holds {len(found)} copies of GTZAN: {', '.join(map(str, found))}; name the one to be used")
    return found[0]


def _search(folder: Path, depth: int) -> Iterator[Path]:
    # By clips, not by names of folders: Kaggle's images_original has the same genre folders.
    if any(clip for genre in GENRES for clip in (folder / genre).glob(f"{genre}.[0-9][0-9][0-9][0-9][0-9].*")):
        yield folder
    elif depth:
        for below in sorted(folder.iterdir()):
            if below.is_dir() and not below.name.startswith(".") and os.access(below, os.R_OK | os.X_OK):
                yield from _search(below, depth - 1)


def _entries(root: Path) -> Iterator[Path]:
    for entry in root.iterdir():
        if entry.is_dir() and entry.name in GENRES:
            yield from entry.iterdir()
        else:
            yield entry


def _why_not(file: Path, name: Path, known: pd.Index) -> str | None:
    if name.name.startswith("."):
        return "a hidden file"
    if len(name.parts) == 1:
        return "not one of the ten genre folders"
    if file.is_dir():
        return "a folder, not a clip"
    if name.suffix.lower() not in (".wav", ".au"):
        return "not a .wav or .au file"
    if name.stem not in known:
        return "not named like a clip of GTZAN, such as blues.00000.wav"
    if name.stem.split(".")[0] != name.parts[0]:
        return f"a clip of {name.stem.split('.')[0]} in the folder {name.parts[0]}"
    return None


def _md5(path: str) -> str:
    try:
        return pooch.file_hash(path, alg="md5")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
