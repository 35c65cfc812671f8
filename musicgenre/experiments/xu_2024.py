"""The experiments of Xu et al.: four models on 2-s segments, learning rates, batch sizes and augmentation of the VGG.

Taught in the notebook ``08_xu_2024``.
"""

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from musicgenre import augment
from musicgenre.experiments.dataset import Dataset, cut
from musicgenre.experiments.experiment import Experiment
from musicgenre.experiments.sources import corpus_of, extracted, lite_log_mel
from musicgenre.experiments.training import Training
from musicgenre.features import LogMel
from musicgenre.models import xu_2024 as models
from musicgenre.settings import Profile
from musicgenre.splits import Split

N_SEGMENTS = 14  # of 2 s: the last two seconds of a clip are not used
LOG_MEL = LogMel(n_fft=512, hop_length=256, n_mels=64, segment_s=2.0, n_segments=N_SEGMENTS)
LONG_HOP = "log-mel at a 77 ms hop (25 frames a segment) from frames of 93 ms, instead of 12 ms (173 frames) from frames of 23 ms"
HALVED = "64 mel bands as sums of neighbours among 128, instead of 64 computed as such"
FEWER_SEGMENTS = "4 segments a clip instead of 14"


@lru_cache(maxsize=1)
def segments(profile: Profile, data: Path | None) -> Dataset:
    """Segments of 2 s, 64 mel bands (the paper's shape; its text says 128)."""
    if profile is Profile.LITE:
        corpus, log_mel, feature = lite_log_mel(data)
        pieces = cut(log_mel, clip_s=30, segment_s=2, n_segments=N_SEGMENTS)
        return Dataset.from_segments(corpus, halve_bands(pieces), feature, (LONG_HOP, HALVED))
    if profile is Profile.SMOKE:
        return Dataset.from_segments(*extracted(corpus_of(profile, data), replace(LOG_MEL, n_segments=4)), (FEWER_SEGMENTS,))
    return Dataset.from_segments(*extracted(corpus_of(profile, data), LOG_MEL))


def halve_bands(log_mel: np.ndarray) -> np.ndarray:
    """Add the power of neighbouring mel bands, two by two: 128 bands in dB become 64."""
    power = np.power(10, log_mel / 10)
    return 10 * np.log10(power[..., ::2] + power[..., 1::2])


def add_augmented(dataset: Dataset, split: Split, seed: int) -> tuple[Dataset, Split]:
    """Add one augmented copy of every training item; validation and test items stay as they are.

    Where the items were cut from audio, it is the audio that is augmented; where they were cut from spectrograms, these are.
    """
    parameters = dataset.feature["parameters"]
    if parameters["segment_s"] is None:
        copies = augment.augment_log_mel(dataset.x[split.train], np.random.default_rng(seed), n_fft=parameters["n_fft"])
    else:
        _, values, _ = extracted(dataset.corpus, augment.AugmentedLogMel(**parameters, seed=seed))
        copies = values.reshape(dataset.x.shape)[split.train]
    items = pd.concat([dataset.items, dataset.items.iloc[split.train].assign(segment=lambda rows: -1 - rows["segment"])], ignore_index=True)
    train = np.concatenate([split.train, np.arange(len(dataset.items), len(items))])
    return replace(dataset, x=np.concatenate([dataset.x, copies]), items=items), replace(split, train=train)


TRAINING = Training(epochs=20, batch_size=64, patience=5, smoke_epochs=2)
_experiment = partial(
    Experiment, paper="xu_2024", dataset=segments, training=TRAINING, valid_fraction=1 / 7, test_fraction=1 / 7,
    protocols=("as_published", "tracks", "fault_filtered"),
)  # fmt: skip
_trial = partial(_experiment, build=models.vgg, protocols=("as_published",))

EXPERIMENTS = (
    _experiment(id="cnn", build=models.cnn),
    _experiment(id="lstm", build=partial(models.rnn, kind="LSTM")),
    _experiment(id="gru", build=partial(models.rnn, kind="GRU")),
    _experiment(id="vgg", build=models.vgg),
    _experiment(id="vgg_augmented", build=models.vgg, prepare=add_augmented),
    # The paper tried other learning rates and batch sizes than 0.001 and 64; which, it does not say.
    _trial(id="vgg_learning_rate_0.01", training=replace(TRAINING, learning_rate=0.01)),
    _trial(id="vgg_learning_rate_0.0001", training=replace(TRAINING, learning_rate=0.0001)),
    _trial(id="vgg_batch_size_16", training=replace(TRAINING, batch_size=16)),
    # 40 steps an epoch: batch normalisation, whose averages take hundreds of steps to follow, would let it stop before it began.
    _trial(id="vgg_batch_size_256", training=replace(TRAINING, batch_size=256, patience=None)),
)
