"""A data set: what a model sees (items), and where each item comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError, SettingsError
from musicgenre.splits import Split


@dataclass(frozen=True, eq=False)
class Dataset:
    """Items with their labels and origin: segments of clips, slices, or whole clips.

    Parameters
    ----------
    x : numpy.ndarray
        What the model sees, shape (n_items, …).
    items : pandas.DataFrame
        One row an item: ``track_id``, ``segment`` and what the corpus knows of the clip; see
        :class:`musicgenre.corpora.corpus.Corpus`.
    corpus : Corpus
        The clips the items come from.
    feature : dict
        What :func:`musicgenre.features.store.describe` says of the stored feature; what an experiment makes of it (pictures, MFCCs) is
        told by its code and by ``reductions``.
    reductions : tuple of str
        What was made smaller than in the paper, in words; goes into every run record.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """

    x: np.ndarray
    items: pd.DataFrame
    corpus: Corpus
    feature: dict = field(repr=False)
    reductions: tuple[str, ...] = ()

    @classmethod
    def from_segments(cls, corpus: Corpus, values: np.ndarray, feature: dict, reductions: tuple[str, ...] = ()) -> Dataset:
        """Make every segment of every clip an item.

        Parameters
        ----------
        corpus : Corpus
            The clips.
        values : numpy.ndarray
            Shape (n_clips, n_segments, …).
        feature : dict
            Description of the feature.
        reductions : tuple of str
            See :class:`Dataset`.

        Raises
        ------
        DataError
            If there are not as many rows of values as clips.
        """
        n_clips, n_segments = values.shape[:2]
        if n_clips != len(corpus):
            raise DataError(
                f"values of {n_clips} clips for the {len(corpus)} of {corpus.name}; take the corpus that came with them, "
                "without the clips whose extraction failed"
            )
        items = corpus.clips.reset_index().loc[np.repeat(np.arange(n_clips), n_segments)].reset_index(drop=True)
        items["segment"] = np.tile(np.arange(n_segments), n_clips)
        return cls(values.reshape(n_clips * n_segments, *values.shape[2:]), items, corpus, feature, reductions)

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres; their positions are the class numbers."""
        return self.corpus.genres

    @property
    def y(self) -> np.ndarray:
        """Class number of each item, int64, shape (n_items,)."""
        return np.searchsorted(self.genres, self.items["genre"].to_numpy(dtype=str))

    def select(self, kept: np.ndarray) -> Dataset:
        """Return a data set of some items, and of their clips alone.

        Parameters
        ----------
        kept : numpy.ndarray
            Whether each item is kept, bool, shape (n_items,).

        Notes
        -----
        Taught in the notebook ``06_srivastava_2022``.
        """
        items = self.items[kept].reset_index(drop=True)
        return replace(self, x=self.x[kept], items=items, corpus=self.corpus.select(items["track_id"].unique()))


def cut(values: np.ndarray, *, clip_s: float, segment_s: float, n_segments: int) -> np.ndarray:
    """Cut frames of whole clips into segments of equal length, from the start.

    Parameters
    ----------
    values : numpy.ndarray
        Frames that spread evenly over a clip, (n_clips, 1, n_frames, n_bands).
    clip_s, segment_s : float
        Lengths in seconds of a clip and of a segment.
    n_segments : int
        Segments taken of each clip.

    Returns
    -------
    numpy.ndarray
        (n_clips, n_segments, frames of a segment, n_bands).
    """
    n_frames = values.shape[2]
    length = int(n_frames * segment_s / clip_s)
    starts = (np.arange(n_segments) * n_frames * segment_s / clip_s).astype(int)
    return np.stack([values[:, 0, start : start + length] for start in starts], axis=1)


def thin_training(dataset: Dataset, split: Split, seed: int) -> tuple[Dataset, Split]:
    """Leave out training tracks at random, until each genre has no more than in the corpus's fault-filtered split.

    This is a control. A fault-filtered score may be lower than one by track because artists and copies are kept apart, because there are
    fewer tracks to train on, and because other tracks are tested. A thinned split by track has the second reason, and with the tracks
    loses some by the test artists. Its test part is that of the split it is made from.

    Parameters
    ----------
    dataset : Dataset
        Items.
    split : Split
        Their parts.
    seed : int
        Of the drawing.

    Returns
    -------
    Dataset, Split
        The same data set; the split with the other training items among those left out.

    Raises
    ------
    SettingsError
        If the corpus has no fault-filtered split.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    tracks = dataset.items.drop_duplicates("track_id")
    wanted = tracks.loc[tracks["fault_filtered"] == "train", "genre"].value_counts()
    if wanted.empty:
        raise SettingsError("this corpus has no fault-filtered split, whose training part could be the measure")
    of_item = dataset.items["track_id"].iloc[split.train]
    drawn = tracks[tracks["track_id"].isin(of_item)].sample(frac=1, random_state=seed)
    kept = drawn["track_id"][drawn.groupby("genre").cumcount() < drawn["genre"].map(wanted)]
    stays = of_item.isin(kept).to_numpy()
    left_out = np.sort(np.concatenate([split.left_out, split.train[~stays]]))
    return dataset, replace(split, train=split.train[stays], left_out=left_out)
