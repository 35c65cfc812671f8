"""Models: parameter counts as published, the architecture that cannot run, and one step of training on every backend."""

import importlib.util
import os
import subprocess
import sys

import pytest

from musicgenre import experiments
from musicgenre.models import holst_2021, schaldenbrand_he_2019, srivastava_2022
from musicgenre.papers import PAPERS, read

#: What an item of each paper looks like, and how many genres there are.
SHAPES = {
    "demarco_2024": {"mlp_30s": (57,), "mlp_3s": (57,)},
    "srivastava_2022": {None: (130, 23)},
    "schaldenbrand_he_2019": {None: (1200, 128)},
    "xu_2024": {None: (173, 64)},
    "holst_2021": {"exp_10": (220, 216, 3), None: (128, 128, 3)},
}
DEEP = [(paper, name) for paper in SHAPES for name in experiments.of_paper(paper)]


def shape_of(paper: str, name: str) -> tuple[int, ...]:
    shapes = SHAPES[paper]
    return shapes.get(name, shapes.get(None, (10, 57)))


def n_genres(paper: str) -> int:
    return 8 if paper == "schaldenbrand_he_2019" else 10


@pytest.mark.parametrize(
    ("paper", "name", "count"), [(paper, *row) for paper in PAPERS for row in read(paper).experiments["parameters"].dropna().items()]
)
def test_every_count_that_a_paper_states_is_met(paper, name, count):
    assert experiments.get(paper, name).build(shape_of(paper, name), n_genres(paper)).count_params() == count


def test_holst_needs_six_pairs_and_128_filters_for_the_printed_counts():
    five_pairs = holst_2021.cnn((128, 128, 3), 10, filters=(128,) * 5, padding="same")
    assert five_pairs.count_params() == 857_482  # "two more" pairs than three, as the text has it, against 808,458
    wide = holst_2021.cnn((128, 128, 3), 10, filters=(128, 256))
    assert wide.count_params() == 29_791_370  # "30x30x256", against 14,898,186


@pytest.mark.parametrize(("build", "count"), [(schaldenbrand_he_2019.ghosal, 49_280), (schaldenbrand_he_2019.conv2d, 6_272)])
@pytest.mark.parametrize("lstm", [True, False])
def test_schaldenbrand_has_the_published_first_layers(build, count, lstm):
    model = build((1200, 128), 8, lstm=lstm)
    first = next(layer for layer in model.layers if layer.count_params())
    assert first.count_params() == count


def test_the_one_dimensional_models_of_equal_size_are_of_equal_size():
    counts = {name: e.build((1200, 128), 8).count_params() for name, e in experiments.of_paper("schaldenbrand_he_2019").items()}
    assert counts["ghosal_lstm_as_large"] == pytest.approx(counts["conv2d_lstm"], rel=0.01)


@pytest.mark.parametrize("n_frames", [130, 1293])
def test_the_printed_crnn_cannot_be_built(n_frames):
    with pytest.raises(ValueError, match="zero or negative"):
        srivastava_2022.crnn((n_frames, 23), 10, rnn="GRU", cells=20, pool_padding="valid")


def test_there_are_two_ways_out_of_it():
    padded = srivastava_2022.crnn((130, 23), 10, rnn="GRU", cells=20, pool_padding="same")
    one_more = srivastava_2022.crnn((130, 24), 10, rnn="GRU", cells=20, pool_padding="valid")
    assert padded.output_shape == one_more.output_shape == (None, 10)


TRAIN = """
import numpy as np
from musicgenre import experiments
from musicgenre.models import keras
from tests.test_models import DEEP, n_genres, shape_of
assert keras.config.backend() == {backend!r}
rng = np.random.default_rng(0)
different = {{(paper, repr(experiments.get(paper, name).build)): (paper, name) for paper, name in DEEP}}
for paper, name in different.values():
    shape = shape_of(paper, name)
    small = {{"schaldenbrand_he_2019": (128, 128), "xu_2024": (40, 64)}}.get(paper, (64, 64, 3) if paper == "holst_2021" else shape)
    model = experiments.get(paper, name).build(small, n_genres(paper))
    model.compile(keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy", run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]
    loss = model.train_on_batch(rng.normal(size=(4, *small)).astype("float32"), rng.integers(0, n_genres(paper), 4))
    assert np.isfinite(loss), (paper, name)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights())), (paper, name)
    probabilities = model.predict_on_batch(np.zeros((2, *small), "float32"))
    assert np.allclose(np.asarray(probabilities).sum(axis=1), 1, atol=1e-4), (paper, name)
    keras.backend.clear_session()
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_model_is_trained_for_one_step_on_every_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN.format(backend=backend)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
