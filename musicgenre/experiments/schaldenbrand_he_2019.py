"""The experiments of Schaldenbrand & He: seven models on whole clips of FMA-small, and two that test their explanation.

Taught in the notebook ``07_schaldenbrand_he_2019``.
"""

from functools import lru_cache, partial
from pathlib import Path

from musicgenre.experiments.dataset import Dataset
from musicgenre.experiments.experiment import Experiment
from musicgenre.experiments.sources import corpus_of, extracted, lite_log_mel
from musicgenre.experiments.training import Training
from musicgenre.features import LogMel
from musicgenre.models import schaldenbrand_he_2019 as models
from musicgenre.settings import Profile

N_FRAMES = 1200  # of 1,292 in 30 s: the paper cuts the rest
LONG_HOP = "log-mel at a 0.23 s hop (119 frames a clip) instead of 23 ms (1,200 frames)"
OTHER_RATE = "mel bands up to 22 kHz from frames of 46 ms (most tracks have 44.1 kHz) instead of up to 11 kHz from frames of 93 ms"


@lru_cache(maxsize=1)
def clips(profile: Profile, data: Path | None) -> Dataset:
    """One spectrogram a clip, cut to the first 1,200 of 1,292 frames as the paper does."""
    if profile is Profile.LITE:
        corpus, log_mel, feature = lite_log_mel(data, "fma_small")
        return Dataset.from_segments(corpus, log_mel[:, :, : log_mel.shape[2] * N_FRAMES // 1292 + 1], feature, (LONG_HOP, OTHER_RATE))
    feature = LogMel(segment_s=27.85, n_segments=1)  # of N_FRAMES
    return Dataset.from_segments(*extracted(corpus_of(profile, data, "fma_small"), feature))


_experiment = partial(
    Experiment,
    paper="schaldenbrand_he_2019",
    dataset=clips,
    training=Training(epochs=200, batch_size=32, patience=25, smoke_epochs=3),
    valid_fraction=0.1,
    test_fraction=0.1,
    protocols=("tracks",),  # `artists` needs the official split, which comes with the full data
)

EXPERIMENTS = (
    _experiment(id="dieleman", build=models.dieleman),
    _experiment(id="ghosal", build=partial(models.ghosal, lstm=False)),
    _experiment(id="ghosal_lstm", build=partial(models.ghosal, lstm=True)),
    _experiment(id="conv2d", build=partial(models.conv2d, lstm=False)),
    _experiment(id="conv2d_lstm", build=partial(models.conv2d, lstm=True)),
    _experiment(id="logistic_regression", build=models.logistic_regression),
    _experiment(id="dieleman_spotify", build=partial(models.dieleman, filters=(256, 256, 512), units=2048)),
    # Not in the paper: 1D models with as many parameters in the first layer, and in all, as the 2D model.
    _experiment(id="ghosal_lstm_small_first_layer", build=partial(models.ghosal, lstm=True, filters=(16, 128))),
    _experiment(id="ghosal_lstm_as_large", build=partial(models.ghosal, lstm=True, filters=(272, 272))),
)
