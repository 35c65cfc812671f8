"""Splits of a data set into training, validation and test parts: four protocols, and a guard against leaks.

The protocols form a ladder. From rung to rung, training and test share less:

================== ======================================================================================
``as_published``   segments are drawn at random, so segments of one track may fall in all parts
``tracks``         no track is in two parts
``artists``        no artist group of the corpus is in two parts (in GTZAN some names are in two groups)
``fault_filtered`` no artist, by name, is in two parts; known repeated or faulty clips are left out
================== ======================================================================================
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import hypergeom
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from musicgenre.errors import LeakError, SettingsError

Protocol = Literal["as_published", "tracks", "artists", "fault_filtered"]
PROTOCOLS: tuple[str, ...] = get_args(Protocol)

#: What a protocol promises never to share between parts. GTZAN's artist folds respect the groups that their authors
#: made; its fault-filtered split respects the artists' names.
RESPECTS = {
    "as_published": (),
    "tracks": ("track_id",),
    "artists": ("track_id", "artist_group"),
    "fault_filtered": ("track_id", "artist"),
}
PARTS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the items of a data set in each part.

    Parameters
    ----------
    protocol : str
        One of :data:`PROTOCOLS`.
    train, valid, test : numpy.ndarray
        Sorted positions of items, int64.
    left_out : numpy.ndarray
        Positions of the items that belong to no part, such as faulty clips.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """

    protocol: str
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    left_out: np.ndarray

    def digest(self, items: pd.DataFrame) -> str:
        """Hash of which item is in which part, 16 hexadecimal digits."""
        names = (items["track_id"].astype(str) + "/" + items["segment"].astype(str)).to_numpy()
        lines = [f"{part}\t{name}" for part in PARTS for name in sorted(names[getattr(self, part)])]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def shared(self, items: pd.DataFrame, key: str) -> dict[str, list[str]]:
        """Return what two parts share: for each pair of parts, the values of ``key`` that are in both."""
        values = {part: set(items[key].iloc[getattr(self, part)].dropna()) for part in PARTS}
        pairs = [("train", "valid"), ("train", "test"), ("valid", "test")]
        return {f"{a} and {b}": sorted(values[a] & values[b]) for a, b in pairs}

    def guard(self, items: pd.DataFrame) -> None:
        """Refuse a split that leaks by a key that its protocol claims to respect.

        Raises
        ------
        LeakError
            If two parts share an item, or a track or artist that the protocol keeps apart.
        """
        everything = np.concatenate([self.train, self.valid, self.test])
        if len(np.unique(everything)) != len(everything):
            raise LeakError(f"protocol {self.protocol}: an item is in two parts of the split")
        for key in RESPECTS[self.protocol]:
            for pair, values in self.shared(items, key).items():
                if values:
                    raise LeakError(f"protocol {self.protocol}: {pair} share {len(values)} values of {key}, such as {values[0]!r}")


def split(
    items: pd.DataFrame,
    protocol: Protocol,
    *,
    seed: int = 0,
    fold: int = 1,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
) -> Split:
    """Split the items of a data set by one of the protocols.

    Parameters
    ----------
    items : pandas.DataFrame
        One row an item, with the columns ``track_id``, ``segment`` and those of :data:`musicgenre.corpora.corpus.COLUMNS`.
    protocol : {"as_published", "tracks", "artists", "fault_filtered"}
        ``as_published`` and ``tracks`` draw at random, stratified by genre. ``artists`` tests on one of the corpus's artist
        folds, or on its official artist-disjoint test part, or on a random part by artist. ``fault_filtered`` is the
        corpus's fixed split.
    seed : int
        Seed of the drawing.
    fold : int
        Which artist fold is the test part, from 1. Only ``artists`` on a corpus with folds uses it.
    valid_fraction, test_fraction : float
        Sizes of the drawn parts, as fractions of all items (or tracks); by artist they are met only roughly.

    Returns
    -------
    Split
        It has passed :meth:`Split.guard`.

    Raises
    ------
    SettingsError
        If the protocol is unknown or the corpus lacks what it needs.
    LeakError
        If the corpus's own fixed split shares what the protocol keeps apart.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    if protocol not in PROTOCOLS:
        raise SettingsError(f"unknown protocol {protocol!r}; use one of {', '.join(PROTOCOLS)}")
    items = items.reset_index(drop=True)
    fractions = {"valid_fraction": valid_fraction, "test_fraction": test_fraction, "seed": seed}
    if protocol == "as_published":
        part = _draw(items["genre"], **fractions)
    elif protocol == "tracks":
        tracks = items.groupby("track_id")["genre"].first()
        part = items["track_id"].map(_draw(tracks, **fractions))
    elif protocol == "artists":
        part = _by_artist(items, fold=fold, **fractions)
    else:
        part = items["fault_filtered"]
        if part.isna().all():
            raise SettingsError("this corpus has no fault-filtered split; use the protocol tracks, or artists where it names artists")
    positions = {name: np.flatnonzero(part == name) for name in PARTS}
    empty = [name for name in PARTS if len(positions[name]) == 0]
    if empty:
        raise SettingsError(f"protocol {protocol} leaves the {empty[0]} part empty; the corpus is too small or lacks clips of it")
    result = Split(protocol, **positions, left_out=np.flatnonzero(part.isna()))
    result.guard(items)
    return result


def _draw(genre: pd.Series, *, valid_fraction: float, test_fraction: float, seed: int) -> pd.Series:
    """Draw parts at random, stratified by genre; returns the part of each entry, with the index of ``genre``."""
    part = pd.Series("train", index=genre.index, dtype=object)
    try:
        rest, test = train_test_split(genre.index, test_size=test_fraction, stratify=genre, random_state=seed)
        n_valid = math.ceil(round(valid_fraction / (1 - test_fraction) * len(rest), 6))  # 0.1 / 0.9 of 9,000 is 1,000, not 1,001
        _, valid = train_test_split(rest, test_size=n_valid, stratify=genre[rest], random_state=seed)
    except ValueError as error:
        raise SettingsError(f"too few items for a stratified split into {1 - valid_fraction - test_fraction:.0%} training, "
                            f"{valid_fraction:.0%} validation and {test_fraction:.0%} test: {error}") from None  # fmt: skip
    part[test], part[valid] = "test", "valid"
    return part


def _by_artist(items: pd.DataFrame, *, fold: int, valid_fraction: float, test_fraction: float, seed: int) -> pd.Series:
    """Keep artists apart: by the corpus's folds, its official split, or at random."""
    part = pd.Series(None, index=items.index, dtype=object)
    if items["artist_fold"].notna().any():
        folds = sorted(items["artist_fold"].dropna().unique())
        if str(fold) not in folds:
            raise SettingsError(f"there is no artist fold {fold}; this corpus has {', '.join(folds)}")
        part[items["artist_fold"].notna()] = "train"
        part[items["artist_fold"] == str(fold)] = "test"
        valid_fraction /= (part == "train").mean()
    elif fold != 1:
        raise SettingsError(f"there is no artist fold {fold}; this corpus has no folds, only fold 1")
    elif items["official_split"].notna().any():
        return items["official_split"].map({"training": "train", "validation": "valid", "test": "test"})
    elif items["artist_group"].notna().any():
        part[:] = "train"
        part[_group_part(items, test_fraction, seed)] = "test"
        valid_fraction /= 1 - test_fraction
    else:
        raise SettingsError("this corpus names no artists; use the protocol tracks")
    training = items[part == "train"]
    part[training.index[_group_part(training, valid_fraction, seed)]] = "valid"
    return part


def _group_part(items: pd.DataFrame, fraction: float, seed: int) -> np.ndarray:
    """Positions of about this fraction of the items, stratified by genre; no artist group is divided."""
    groups = items["artist_group"].where(items["artist_group"].notna(), items["track_id"])
    if not 0 < fraction < 1:
        raise SettingsError(f"a part of {fraction:.0%} cannot be drawn by artist; use a fraction between 0 and 1")
    n_splits = max(2, min(round(1 / fraction), items["genre"].value_counts().min(), groups.nunique()))
    folds = StratifiedGroupKFold(n_splits=n_splits, shuffle=True, random_state=seed)
    try:
        _, chosen = next(folds.split(items, items["genre"], groups))
    except ValueError as error:
        raise SettingsError(f"too few artists or clips for parts without shared artists ({error}); use the protocol tracks") from None
    return chosen


def chance_of_no_sibling(*, n_segments: int, n_train: int, n_items: int) -> float:
    """Compute the chance that no other segment of a test segment's track is trained on, if segments are drawn at random.

    The others fall at random on the places that are left, of which ``n_train`` are in the training part.

    Parameters
    ----------
    n_segments : int
        Segments of a track.
    n_train, n_items : int
        Segments in the training part, and in all.

    Notes
    -----
    Taught in the notebook ``08_xu_2024``.
    """
    return float(hypergeom.pmf(0, n_items - 1, n_train, n_segments - 1))


def mean_siblings(*, n_segments: int, n_part: int, n_items: int) -> float:
    """Compute how many other segments of its track a segment of a part has in that part, on average, if segments are drawn at random.

    Parameters
    ----------
    n_segments : int
        Segments of a track.
    n_part, n_items : int
        Segments in the part, and in all.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    return (n_segments - 1) * (n_part - 1) / (n_items - 1)
