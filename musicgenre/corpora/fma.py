"""FMA-small: 8,000 clips of 30 s, 1,000 of each of eight genres, from the Free Music Archive (Defferrard et al. 2017).

The data set, its split and its known faults are documented at https://github.com/mdeff/fma. The audio is under the licence that
each artist chose, the tables are under CC BY 4.0.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from musicgenre.corpora import download
from musicgenre.corpora.corpus import Corpus, exclusions
from musicgenre.corpora.folder import contents
from musicgenre.errors import DataError

EXPECTED = (
    "FMA-small is expected as <folder>/fma_small/000/000002.mp3 and so on, and <folder>/fma_metadata/tracks.csv, which is how "
    "fma_small.zip and fma_metadata.zip unpack; musicgenre.corpora.fma.fetch(folder) downloads both"
)
#: Clips that cannot be used, with the reason; a corpus leaves them out.
KNOWN_FAULTS = {
    "098565": "shorter than 2 s",
    "098567": "shorter than 2 s",
    "098569": "shorter than 2 s",
    "099134": "the file holds no audio",
    "108925": "the file holds no audio",
    "133297": "the file holds no audio",
}
_FAULTS = {"107535": "silent"}
MIRRORS = {
    "fma_metadata": download.Mirror(
        "https://os.unil.cloud.switch.ch/fma/fma_metadata.zip", "sha1:f0df49ffe5f2a6008d7dc83c6915b31835dfe733"
    ),
    "fma_small": download.Mirror("https://os.unil.cloud.switch.ch/fma/fma_small.zip", "sha1:ade154f733639d52e35e32f5593efe5be76c6d70"),
}
_FIELDS = {
    ("set", "subset"): "subset",
    ("set", "split"): "official_split",
    ("track", "genre_top"): "genre",
    ("track", "title"): "title",
    ("artist", "id"): "artist_group",
    ("artist", "name"): "artist",
}


def load(folder: str | Path) -> Corpus:
    """Load a copy of FMA-small, whole or in part.

    Parameters
    ----------
    folder : str or Path
        The folder that holds ``fma_small`` and ``fma_metadata``, at most two folders below it.

    Returns
    -------
    Corpus
        ``track_id`` has six digits, such as ``000002``. ``artist_group`` is FMA's artist id; ``official_split`` is the split
        that FMA comes with, which keeps artists apart. All 8,000 clips are accounted for: those without a file and those of
        :data:`KNOWN_FAULTS` are in ``excluded``, and so is every file among the tracks that is none of them.

    Raises
    ------
    DataError
        If the clips or the table of tracks are not there, or the table lacks what is needed.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    folder = Path(folder).expanduser().resolve()
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. {EXPECTED}")
    table = _one(folder, "fma_metadata/tracks.csv", folder.glob)
    root = _one(folder, "fma_small", lambda pattern: {number.parent for number in folder.glob(f"{pattern}/[0-9][0-9][0-9]")})
    tracks = _read_tracks(table)
    files = {file.relative_to(root).as_posix(): file for file in root.glob("[0-9][0-9][0-9]/*")}
    paths = {track_id: files.pop(f"{track_id[:3]}/{track_id}.mp3", None) for track_id in tracks.index}
    excluded = dict.fromkeys(files, "not among the 8,000 tracks of FMA-small")
    excluded |= {track_id: "no file in this copy" for track_id, path in paths.items() if path is None}
    excluded |= KNOWN_FAULTS
    tracks = tracks.assign(path=pd.Series(paths).map(str), fault=pd.Series(_FAULTS))
    return Corpus("fma_small", tracks.drop(index=tracks.index.intersection(list(excluded))), exclusions(excluded))


def from_labels(track_ids: Iterable[str], genres: Iterable[str]) -> Corpus:
    """Make a corpus without audio, artists and official split, for an archive of ready-made features.

    Parameters
    ----------
    track_ids, genres : iterable of str
        The clips that the archive holds, and the genre of each. Clips of :data:`KNOWN_FAULTS` that it lacks are in ``excluded``.

    Raises
    ------
    DataError
        If there are not as many genres as clips.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    track_ids, genres = [str(track_id).zfill(6) for track_id in track_ids], [str(genre) for genre in genres]
    if len(track_ids) != len(genres):
        raise DataError(f"FMA-small: {len(track_ids)} clips but {len(genres)} genres; each clip needs one")
    missing = {track_id: reason for track_id, reason in KNOWN_FAULTS.items() if track_id not in track_ids}
    clips = pd.DataFrame({"genre": genres}, index=track_ids)
    return Corpus("fma_small", clips.assign(fault=clips.index.map(_FAULTS)), exclusions(missing))


def fetch(folder: str | Path) -> Path:
    """Download FMA-small (7.7 GB) and its tables (0.4 GB), unless they are there already.

    Parameters
    ----------
    folder : str or Path
        The clips go to ``folder/fma/fma_small``, the tables to ``folder/fma/fma_metadata``.

    Returns
    -------
    Path
        ``folder/fma``, for :func:`load`.

    Raises
    ------
    DataError
        If it cannot be downloaded; the message says how to do it by hand.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    target = Path(folder).expanduser().resolve() / "fma"
    for name, mirror in MIRRORS.items():
        download.install(f"{name}.zip", [mirror], name, target / name)
    return target


def _one(folder: Path, name: str, find) -> Path:
    found = sorted({path for depth in ("", "*/", "*/*/") for path in find(depth + name)})
    if not found:
        raise DataError(f"{folder}: no {name} in it, nor up to two folders below; {contents(folder)}. {EXPECTED}")
    if len(found) > 1:
        raise DataError(f"{folder} holds {name} {len(found)} times: {', '.join(map(str, found))}; name a folder with only one of them")
    return found[0]


def _read_tracks(path: Path) -> pd.DataFrame:
    """Read the rows of FMA-small from ``tracks.csv``, which has two lines of column names and one of the index's name."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            position = {names: i for i, names in enumerate(zip(next(lines, []), next(lines, []), strict=False))}
        missing = [" / ".join(names) for names in _FIELDS if names not in position]
        if missing:
            raise DataError(f"{path}: no column {missing[0]}; this is not the tracks.csv of fma_metadata.zip")
        columns = {0: "track_id"} | {position[names]: field for names, field in _FIELDS.items()}
        tracks = pd.read_csv(path, header=None, skiprows=3, usecols=list(columns), dtype=str, keep_default_na=False, na_values=[""])
    except (UnicodeDecodeError, csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path}: not a readable table ({error}); fetch it again") from None
    tracks = tracks.rename(columns=columns)
    tracks["track_id"] = tracks["track_id"].str.zfill(6)
    tracks = tracks[tracks["subset"] == "small"].set_index("track_id")
    if tracks.empty:
        raise DataError(f"{path}: no track of the subset small in it; this is not the tracks.csv of fma_metadata.zip")
    return tracks
