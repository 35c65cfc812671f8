"""The experiments of Srivastava et al.: CNN-GRU and CNN-LSTM on MFCCs of 3-s segments.

Taught in the notebook ``06_srivastava_2022``.
"""

from functools import lru_cache, partial
from pathlib import Path

from musicgenre.experiments.dataset import Dataset, cut, thin_training
from musicgenre.experiments.experiment import Experiment
from musicgenre.experiments.sources import corpus_of, extracted, lite_log_mel
from musicgenre.experiments.training import Training
from musicgenre.features import Mfcc, spectral
from musicgenre.models import srivastava_2022 as models
from musicgenre.settings import Profile

N_MFCC = 23
LONG_HOP = "MFCCs at a 77 ms hop (38 frames a segment) instead of 23 ms (130 frames)"


@lru_cache(maxsize=1)
def segments(profile: Profile, data: Path | None) -> Dataset:
    """Ten segments of 3 s a clip: the length is unsaid, but 85.7 % can hardly come from 200 clips."""
    if profile is Profile.LITE:
        corpus, log_mel, feature = lite_log_mel(data)
        mfcc = spectral.mfcc_from_log_mel(cut(log_mel, clip_s=30, segment_s=3, n_segments=10), N_MFCC)
        return Dataset.from_segments(corpus, mfcc, feature, (LONG_HOP,))
    return Dataset.from_segments(*extracted(corpus_of(profile, data), Mfcc(n_mfcc=N_MFCC)))


_experiment = partial(
    Experiment,
    paper="srivastava_2022",
    dataset=segments,
    training=Training(epochs=40, batch_size=32, patience=8, smoke_epochs=3),
    valid_fraction=0.16,  # a fifth of the training part
    test_fraction=0.2,
)

EXPERIMENTS = (
    _experiment(id="cnn_gru", build=partial(models.crnn, rnn="GRU", cells=20)),
    _experiment(id="cnn_lstm", build=partial(models.crnn, rnn="LSTM", cells=30)),
    # Not in the paper, a control: as few training tracks as the fault-filtered split has, drawn blind to artists.
    _experiment(id="cnn_lstm_thinned", build=partial(models.crnn, rnn="LSTM", cells=30), prepare=thin_training, protocols=("tracks",)),
)
