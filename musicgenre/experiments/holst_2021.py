"""Holst's experiments: pictures of 3-s mel spectrograms, with and without convolutions.

Taught in the notebook ``09_holst_2021``.
"""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from musicgenre.experiments.dataset import Dataset, cut
from musicgenre.experiments.experiment import Experiment, Outcome
from musicgenre.experiments.sources import corpus_of, extracted, lite_log_mel
from musicgenre.experiments.training import Training
from musicgenre.features import MelImage
from musicgenre.features.images import colour_image
from musicgenre.models import holst_2021 as models
from musicgenre.settings import Profile

LARGE = (216, 220)  # height, width: the paper writes width first
LONG_HOP = "pictures of log-mel at a 77 ms hop (38 frames a segment, stretched) instead of 23 ms (130 frames)"
SMALLER = "pictures of {} × {} pixels instead of {} × {}"
FEWER_SEGMENTS = "2 segments a clip instead of 10"


@lru_cache(maxsize=1)
def pictures(
    profile: Profile, data: Path | None, *, size: tuple[int, int] = (128, 128), lite_size: tuple[int, int] | None = None
) -> Dataset:
    """Ten pictures a clip; in the profile ``lite`` of ``lite_size``, for networks that else take days on a CPU."""
    if profile is Profile.LITE:
        corpus, log_mel, feature = lite_log_mel(data)
        pieces = cut(log_mel, clip_s=30, segment_s=3, n_segments=10)
        drawn = lite_size or size
        images = np.empty((*pieces.shape[:2], *drawn, 3), np.uint8)
        for clip, image in zip(tqdm(pieces, desc="pictures", disable=None), images, strict=True):
            image[:] = [colour_image(piece, drawn) for piece in clip]
        smaller = [SMALLER.format(*drawn, *size)] if lite_size else []
        return Dataset.from_segments(corpus, images, feature, (LONG_HOP, *smaller))
    if profile is Profile.SMOKE:
        return Dataset.from_segments(*extracted(corpus_of(profile, data), MelImage(size=size, n_segments=2)), (FEWER_SEGMENTS,))
    return Dataset.from_segments(*extracted(corpus_of(profile, data), MelImage(size=size)))


def hidden(model, x: np.ndarray) -> np.ndarray:
    """Compute the activations of the layer ``hidden``, float32, (n_pictures, 128).

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    import keras

    return keras.Model(model.inputs, model.get_layer("hidden").output).predict(x, batch_size=128, verbose=0)


def tsne(activations: np.ndarray) -> np.ndarray:
    """Reduce activations to two dimensions by t-SNE, with scikit-learn's defaults; shape (n_pictures, 2); zeros where all are equal.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    from sklearn.manifold import TSNE

    if not np.ptp(activations, axis=0).any():  # of a network that never began to learn; scikit-learn would crash
        return np.zeros((len(activations), 2))
    return TSNE(perplexity=min(30, (len(activations) - 1) / 3), random_state=0).fit_transform(activations)


def embedded(outcome: Outcome) -> dict:
    """Reduce the activations of 250 test pictures, as in Figure 4, and of all of them: genre (number), x and y of each."""
    test = outcome.split.test
    activations, genre = hidden(outcome.model, outcome.dataset.x[test]), outcome.dataset.y[test]
    drawn = np.random.default_rng(outcome.seed).permutation(len(test))[:250]
    panels = {}
    for name, rows in (("tsne_250", drawn), ("tsne_all", np.arange(len(test)))):
        x, y = tsne(activations[rows]).T.astype(float).round(2)
        panels[name] = {"genre": genre[rows].tolist(), "x": x.tolist(), "y": y.tolist()}
    return panels


_experiment = partial(
    Experiment,
    paper="holst_2021",
    dataset=pictures,
    training=Training(epochs=200, batch_size=64, patience=3, smoke_epochs=2),
    valid_fraction=0.1,
    test_fraction=0.1,
    normalise=None,
    protocols=("as_published", "tracks", "fault_filtered"),
)
_dnn = partial(_experiment, training=Training(epochs=20, batch_size=64, keep="last", smoke_epochs=2))
_cnn = partial(_experiment, dataset=partial(pictures, lite_size=(64, 64)))
_three = partial(models.cnn, filters=(128,) * 3)
_six = partial(models.cnn, filters=(128,) * 6, padding="same")

EXPERIMENTS = (
    _dnn(id="exp_1", build=models.dnn),
    _dnn(id="exp_2", build=partial(models.dnn, l2=0.003)),
    _cnn(id="exp_3", build=partial(models.cnn, filters=(128,) * 2)),
    _cnn(id="exp_3R", build=partial(models.cnn, filters=(128,) * 2, l2=0.003)),
    _cnn(id="exp_4", build=_three),
    _cnn(id="exp_4_l2", build=partial(_three, l2=0.003)),
    _cnn(id="exp_4R", build=partial(_three, l2=0.003, dropout=0.2)),
    # Whether the L2 penalty stays on from here is unsaid; the losses of the paper's table suggest it for 5 and 6 alone.
    _cnn(id="exp_5", build=partial(models.cnn, filters=(128, 256, 512), l2=0.003)),
    _cnn(id="exp_6", build=partial(_three, padding="same", l2=0.003, dropout=0.2)),
    _cnn(id="exp_7", build=partial(_six, dropout=0.2)),
    _cnn(id="exp_8", build=partial(_six, kernel=5, dropout=0.3), measure=embedded),
    _cnn(id="exp_9", build=partial(_six, kernel=5, dropout=0.5)),
    _cnn(id="exp_10", build=partial(_six, kernel=5, dropout=0.3), dataset=partial(pictures, size=LARGE, lite_size=(108, 110))),
)
