"""The one shape that every source of clips takes: a table with one row a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from musicgenre.errors import DataError

#: Columns of :attr:`Corpus.clips`; all but ``genre`` may hold missing values (None).
COLUMNS = ("genre", "artist", "artist_group", "title", "path", "artist_fold", "official_split", "fault_filtered", "fault")


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips with their genre and everything that is known about them.

    Parameters
    ----------
    name : str
        ``synthetic``, ``gtzan``, ``fma_small`` or the name of a folder.
    clips : pandas.DataFrame
        One row a clip, index ``track_id`` (unique strings), columns :data:`COLUMNS`, in this order:
        ``genre``; ``artist`` (name) and ``artist_group`` (the key that the artist folds respect);
        ``title``; ``path`` of the audio file, None where only features are at hand; ``artist_fold``
        (``"1"``, ``"2"``, …); ``official_split`` (``training``, ``validation`` or ``test`` of the
        artist-disjoint split that the corpus comes with); ``fault_filtered`` (``train``, ``valid`` or
        ``test`` of a fixed, artist-disjoint split without faulty clips); ``fault`` (what is known to be
        wrong with the clip, as ``kind:track_id`` or ``kind``). Missing values are None. Columns that are left out
        are filled with None; rows are sorted by ``track_id``.
    excluded : pandas.DataFrame
        Clips that were left out: index ``track_id``, column ``reason``. Empty where none were.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """

    name: str
    clips: pd.DataFrame
    excluded: pd.DataFrame = field(default_factory=lambda: exclusions({}))

    def __post_init__(self):
        clips = self.clips.reindex(columns=list(COLUMNS)).astype(object)
        clips.index = clips.index.astype(str).rename("track_id")
        clips = clips.where(clips.notna(), None).sort_index()
        if clips.index.has_duplicates:
            twice = clips.index[clips.index.duplicated()][0]
            raise DataError(f"corpus {self.name}: track_id {twice} occurs more than once; every clip needs its own")
        if clips["genre"].isna().any():
            raise DataError(f"corpus {self.name}: clip {clips.index[clips['genre'].isna()][0]} has no genre")
        if clips.empty:
            raise DataError(f"corpus {self.name}: no clips found")
        object.__setattr__(self, "clips", clips.assign(genre=clips["genre"].map(str)))  # class numbers are places in sorted text

    @property
    def audio_paths(self) -> pd.Series:
        """The audio file of every clip, by ``track_id``; a DataError where one has none."""
        paths = self.clips["path"]
        if paths.isna().any():
            raise DataError(
                f"corpus {self.name}: no audio file is at hand for {paths.index[paths.isna()][0]}; this needs those of all clips"
            )
        return paths

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres in alphabetical order; their positions are the class numbers."""
        return tuple(sorted(self.clips["genre"].unique()))

    @property
    def labels(self) -> np.ndarray:
        """Class number of each clip, int64 array of shape (n_clips,)."""
        return np.searchsorted(self.genres, self.clips["genre"].to_numpy(dtype=str))

    @property
    def digest(self) -> str:
        """Hash of the clip list: name, track ids and genres, 16 hexadecimal digits."""
        rows = "\n".join([self.name, *(f"{track_id}\t{genre}" for track_id, genre in self.clips["genre"].items())])
        return hashlib.sha256(rows.encode()).hexdigest()[:16]

    def select(self, track_ids: Iterable[str]) -> Corpus:
        """Return the corpus of these clips alone.

        Raises
        ------
        DataError
            If a track id is not in the corpus.
        """
        track_ids = list(track_ids)
        unknown = sorted(set(track_ids) - set(self.clips.index))
        if unknown:
            raise DataError(f"corpus {self.name} has no clip {unknown[0]}")
        return replace(self, clips=self.clips.loc[track_ids])


def exclusions(reasons: Mapping[str, str]) -> pd.DataFrame:
    """Turn reasons by track id, or by file name, into the table :attr:`Corpus.excluded`."""
    index = pd.Index(list(reasons), name="track_id", dtype=str)
    return pd.DataFrame({"reason": list(reasons.values())}, index=index, dtype=str).sort_index()
