"""The experiments of DeMarco, Martz & Ta: an MLP on one vector, an LSTM on a sequence of vectors.

Taught in the notebook ``04_demarco_2024``.
"""

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from musicgenre.corpora import gtzan
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import LeakError
from musicgenre.experiments.dataset import Dataset, cut
from musicgenre.experiments.experiment import Experiment, Outcome
from musicgenre.experiments.sources import corpus_of, extracted, lite_log_mel
from musicgenre.experiments.training import Training
from musicgenre.features import Vector57, archives, spectral, store
from musicgenre.features.vector57 import COLUMNS
from musicgenre.models import demarco_2024 as models
from musicgenre.settings import Profile
from musicgenre.splits import PARTS, Split

SLICES = {3: 10, 6: 5, 9: 3}  # seconds: slices a clip
MFCC_STATISTICS = "mean and variance of 20 MFCCs at a 77 ms hop instead of the 57 features"


@lru_cache(maxsize=1)
def whole_clips(profile: Profile, data: Path | None) -> Dataset:
    """One vector of 57 features a clip; in ``lite`` from the well-known table ``features_30_sec.csv`` where there is one."""
    return Dataset.from_segments(*_vectors(profile, data, Vector57(librosa_0_7=True), "features_30_sec.csv"))


def slices(profile: Profile, data: Path | None, *, slice_s: int) -> Dataset:
    """One vector a slice of 3, 6 or 9 s; in ``lite`` MFCC statistics of the log-mel with the long hop."""
    sequence = sequences(profile, data, slice_s=slice_s)
    return Dataset.from_segments(sequence.corpus, sequence.x, sequence.feature, sequence.reductions)


@lru_cache(maxsize=3)
def sequences(profile: Profile, data: Path | None, *, slice_s: int) -> Dataset:
    """One sequence a clip of the vectors of its slices."""
    if profile is Profile.LITE:
        corpus, log_mel, feature = lite_log_mel(data)
        segments = cut(log_mel, clip_s=30, segment_s=slice_s, n_segments=SLICES[slice_s])
        mfcc = spectral.mfcc_from_log_mel(segments, 20)
        values = np.concatenate([mfcc.mean(axis=2), mfcc.var(axis=2)], axis=-1)
        return Dataset.from_segments(corpus, values[:, None], feature, (MFCC_STATISTICS,))
    vector = Vector57(segment_s=float(slice_s), n_segments=SLICES[slice_s], librosa_0_7=True)
    corpus, values, feature = extracted(corpus_of(profile, data), vector)
    return Dataset.from_segments(corpus, values[:, None], feature)


@lru_cache(maxsize=1)
def sequences_10s(profile: Profile, data: Path | None) -> Dataset:
    """One sequence a clip of three vectors of 10 s; in ``lite`` from the table ``features_10_sec.csv`` where there is one."""
    corpus, values, feature = _vectors(profile, data, Vector57(segment_s=10.0, n_segments=3), "features_10_sec.csv")
    return Dataset.from_segments(corpus, values[:, None], feature)


def _vectors(profile: Profile, data: Path | None, feature: Vector57, table_name: str) -> tuple[Corpus, np.ndarray, dict]:
    """Return the vectors of all slices, (n_clips, n_slices, 57): in ``lite`` of a published table where there is one, else from audio."""
    path = archives.find(data, table_name) if profile is Profile.LITE else None
    if path is None:
        return extracted(corpus_of(profile, data), feature)
    table = archives.read_feature_table(path)
    complete = table.groupby("track_id").size() == feature.n_segments
    corpus = gtzan.from_facts(complete.index[complete], f"not all of its {feature.n_segments} slices are in {table_name}")
    values = table.loc[corpus.clips.index].to_numpy(dtype=np.float32).reshape(len(corpus), feature.n_segments, 57)
    return corpus, values, store.describe(feature, f"table:{archives.file_digest(path)}")


def mix_rows(dataset: Dataset, split: Split, seed: int, *, across_parts: bool) -> tuple[Dataset, Split]:
    """Make every sequence of rows of different clips of one genre: what shuffled rows would do to the paper's LSTM.

    Parameters
    ----------
    dataset : Dataset
        Sequences, (n_items, n_rows, n_features).
    split : Split
        Parts of the sequences.
    seed : int
        Of the shuffling.
    across_parts : bool
        Shuffle the rows of a genre over all parts (a leak: a clip then has rows in training and test), or within each part.

    Raises
    ------
    LeakError
        If rows are to be shuffled over the parts of any protocol but ``as_published``.
    """
    if across_parts and split.protocol != "as_published":
        raise LeakError(f"rows shuffled over all parts leak from training to test; the protocol {split.protocol} forbids it")
    rng = np.random.default_rng(seed)
    x, genre = dataset.x.copy(), dataset.items["genre"].to_numpy()
    groups = [np.arange(len(x))] if across_parts else [getattr(split, part) for part in PARTS]
    for positions in groups:
        for name in dataset.genres:
            chosen = positions[genre[positions] == name]
            rows = x[chosen].reshape(-1, x.shape[-1])
            x[chosen] = rng.permutation(rows).reshape(x[chosen].shape)
    names = pd.Series([f"mixed.{name}.{i:05d}" for i, name in enumerate(genre)], index=dataset.items.index)
    return replace(dataset, x=x, items=dataset.items.assign(track_id=names)), split


def spectral_centroids(outcome: Outcome) -> dict:
    """Mean spectral centroid of all clips of each genre in Hz: which genre is bright, which dark (section 6.2)."""
    dataset = outcome.dataset
    centroid = pd.Series(dataset.x[:, COLUMNS.index("spectral_centroid_mean")], dtype=float)
    return {"spectral_centroid_hz": centroid.groupby(dataset.items["genre"].to_numpy()).mean().round(1).to_dict()}


MLP = Training(epochs=100, batch_size=4, learning_rate=0.01, keep="last", smoke_epochs=20)
LSTM = Training(epochs=50, batch_size=16, learning_rate=0.001, keep="last", smoke_epochs=20)
_experiment = partial(Experiment, paper="demarco_2024", valid_fraction=0.1, test_fraction=0.2, seeds=10)
_of_clips = partial(_experiment, protocols=("tracks", "artists", "fault_filtered"))

EXPERIMENTS = (
    _of_clips(id="mlp_30s", dataset=whole_clips, build=partial(models.mlp, hidden=13), training=MLP, measure=spectral_centroids),
    _experiment(id="mlp_3s", dataset=partial(slices, slice_s=3), build=partial(models.mlp, hidden=64), training=MLP),
    *(_of_clips(id=f"lstm_{s}s", dataset=partial(sequences, slice_s=s), build=models.lstm, training=LSTM) for s in SLICES),
    # Not in the paper: what could have made its 93 %. Sequences of rows of 10 s and of 3 s, clean and mixed.
    _of_clips(id="lstm_10s", dataset=sequences_10s, build=models.lstm, training=LSTM),
    *(
        _experiment(id=f"{name}_{kind}", dataset=source, build=models.lstm, training=LSTM, prepare=partial(mix_rows, across_parts=across),
                    protocols=(protocol,))
        for name, source in (("lstm_10s", sequences_10s), ("lstm_3s", partial(sequences, slice_s=3)))
        for kind, across, protocol in (("mixed_within_parts", False, "tracks"), ("mixed_before_split", True, "as_published"))
    ),
)  # fmt: skip
