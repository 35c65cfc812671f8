"""Holst: layers and L2 of the models, the data set of pictures, the arithmetic of the contradictions, the figures."""

from dataclasses import replace
from functools import partial
from itertools import combinations

import handmade
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import need
from hypothesis import given
from hypothesis import strategies as st

from musicgenre import experiments, papers, runs, verdicts
from musicgenre.checks import holst_2021 as checks
from musicgenre.corpora import audio
from musicgenre.experiments import holst_2021 as paper_experiments
from musicgenre.features import MelImage
from musicgenre.judgements import Verdict
from musicgenre.models import holst_2021 as models
from musicgenre.plots import holst_2021 as figures
from musicgenre.settings import Profile

PAPER = papers.read("holst_2021")


def layers_of(model, kind: str) -> list:
    return [layer for layer in model.layers if type(layer).__name__ == kind]


# Models


@pytest.mark.parametrize("name", [name for name in PAPER.experiments.index if name not in ("exp_1", "exp_2")])
def test_the_layers_are_those_that_the_paper_says(name):
    size = (*paper_experiments.LARGE, 3) if name == "exp_10" else (128, 128, 3)
    model = experiments.get(PAPER.id, name).build(size, 10)
    convolutions, pools = layers_of(model, "Conv2D"), layers_of(model, "MaxPooling2D")
    kernel, padding = convolutions[0].kernel_size[0], convolutions[0].padding
    heights = [size[0]] + [layer.output.shape[1] for pair in zip(convolutions, pools, strict=True) for layer in pair]
    assert heights == checks.sides(size[0], len(pools), kernel=kernel, padding=padding)
    filters = tuple(layer.filters for layer in convolutions)
    assert model.count_params() == checks.parameter_counts(filters, size=size[:2], kernel=kernel, padding=padding)
    in_force = PAPER.settings[PAPER.settings["experiment"] == name].set_index("setting")
    in_force = in_force["ours"].fillna(in_force["value"])
    assert {layer.rate for layer in layers_of(model, "Dropout")} == ({in_force["dropout"]} - {0})
    assert bool(model.losses) == (in_force["l2"] > 0)
    assert padding == {"none": "valid", "same": "same"}[in_force["padding"]]


@pytest.mark.parametrize("build", [partial(models.cnn, filters=(4, 4)), models.dnn])
def test_l2_penalises_the_hidden_dense_layers_alone(build):
    without, penalised = build((16, 16, 3), 10), build((16, 16, 3), 10, l2=0.003)
    assert not without.losses and without.count_params() == penalised.count_params()
    *hidden, output = layers_of(penalised, "Dense")
    expected = 0.003 * sum(float((np.asarray(layer.kernel) ** 2).sum()) for layer in hidden)
    assert float(sum(penalised.losses)) == pytest.approx(expected, rel=1e-4)
    assert output.kernel_regularizer is None


def test_pixels_are_brought_to_0_to_1():
    model = models.cnn((8, 8, 3), 10, filters=(4,))
    assert np.asarray(model.layers[0](np.full((1, 8, 8, 3), 255.0))).max() == pytest.approx(1)


# Data set


@pytest.fixture(scope="module")
def dataset():
    return experiments.get(PAPER.id, "exp_8").dataset(Profile.SMOKE, None)


def test_an_item_is_a_picture_of_three_seconds(dataset):
    assert dataset.x.shape == (2 * len(dataset.corpus), 128, 128, 3) and dataset.x.dtype == np.uint8
    assert (dataset.items.groupby("track_id")["segment"].agg(list).map(tuple) == (0, 1)).all()
    assert dataset.reductions == (paper_experiments.FEWER_SEGMENTS,)
    second = audio.read(dataset.corpus.clips["path"].iloc[0])[3 * audio.SAMPLE_RATE_HZ : 6 * audio.SAMPLE_RATE_HZ]
    assert np.array_equal(dataset.x[1], MelImage(n_segments=1)(second)[0])


def test_lite_says_what_it_reduces(real_data):
    need(real_data, "gtzan_logmel.npz")
    lite = experiments.get(PAPER.id, "exp_8").dataset(Profile.LITE, real_data)
    assert lite.x.shape == (9990, 64, 64, 3) and lite.x.dtype == np.uint8
    hop, size = lite.reductions
    assert "38 frames" in hop and size == "pictures of 64 × 64 pixels instead of 128 × 128"
    dense = experiments.get(PAPER.id, "exp_1").dataset(Profile.LITE, real_data)
    assert dense.x.shape == (9990, 128, 128, 3) and dense.reductions == (hop,)


# Activations, as the record of experiment 8 keeps them


@pytest.fixture(scope="module")
def outcome():
    experiment = experiments.get(PAPER.id, "exp_8")
    training = replace(experiment.training, epochs=1)
    small = replace(experiment, build=partial(models.cnn, filters=(2,)), training=training)
    return experiments.run(small, handmade.dataset(20, shape=(8, 8, 3)), "as_published", profile=Profile.SMOKE)


def test_the_hidden_layer_feeds_the_output(outcome):
    x = outcome.dataset.x[outcome.split.test]
    activations = paper_experiments.hidden(outcome.model, x)
    assert activations.shape == (len(x), 128) and activations.min() >= 0
    scores = activations @ np.asarray(outcome.model.layers[-1].kernel) + np.asarray(outcome.model.layers[-1].bias)
    assert np.array_equal(scores.argmax(axis=1), outcome.probabilities.argmax(axis=1))


def test_the_record_holds_figure_4(outcome, tmp_path):
    made = runs.record(outcome)
    true = sorted(outcome.dataset.y[outcome.split.test])
    for panel in ("tsne_250", "tsne_all"):
        table = pd.DataFrame(made["measurements"][panel])
        assert sorted(table["genre"]) == true and np.isfinite(table[["x", "y"]]).all(axis=None)
    runs.write_record(tmp_path / "exp_8.json", made)
    assert runs.read_record(tmp_path / "exp_8.json")["measurements"] == made["measurements"]


def test_tsne_keeps_neighbours_and_is_repeatable():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 20)
    values = (rng.normal(size=(40, 128)) + 20 * groups[:, None]).astype(np.float32)
    placed = paper_experiments.tsne(values)
    distances = np.linalg.norm(placed[:, None] - placed, axis=-1) + np.diag(np.full(40, np.inf))
    assert (groups[distances.argmin(axis=1)] == groups).all()
    assert np.array_equal(placed, paper_experiments.tsne(values))


def test_tsne_of_a_network_that_never_began_to_learn():
    assert not paper_experiments.tsne(np.ones((40, 128), np.float32)).any()


# Arithmetic of the contradictions


@given(st.integers(2, 3), st.integers(2, 3), st.data())
def test_the_chance_of_no_sibling_counts_all_splits(n_tracks, n_per_track, data):
    n_items = n_tracks * n_per_track
    n_train = data.draw(st.integers(0, n_items - 1))
    trainings = [set(drawn) for drawn in combinations(range(1, n_items), n_train)]  # item 0, of track 0, is tested
    lonely = [training for training in trainings if not training & set(range(1, n_per_track))]
    chance = checks.chance_of_no_sibling(n_items=n_items, n_train=n_train, n_segments=n_per_track)
    assert chance == pytest.approx(len(lonely) / len(trainings))


def test_practically_every_test_picture_has_a_sibling_in_training():
    assert checks.chance_of_no_sibling() == pytest.approx(0.2**9, rel=0.1)


@pytest.mark.parametrize(
    ("side", "pairs", "settings", "last"),
    [
        (128, 1, {"pool_stride": 1}, 125),
        (128, 2, {}, 30),
        (128, 3, {}, 14),
        (128, 5, {}, 2),
        (128, 6, {}, 0),
        (128, 3, {"padding": "same"}, 16),
        (128, 6, {"padding": "same", "kernel": 5}, 2),
        (216, 6, {"padding": "same", "kernel": 5}, 3),
        (220, 6, {"padding": "same", "kernel": 5}, 3),
    ],
)
def test_the_sides_of_a_picture(side, pairs, settings, last):
    assert checks.sides(side, pairs, **settings)[-1] == last


def test_only_128_filters_a_stride_of_2_and_six_pairs_give_the_stated_counts():
    stated = PAPER.experiments["parameters"]
    assert checks.parameter_counts((128, 128)) == stated["exp_3"]
    assert checks.parameter_counts((128, 256)) == 29_791_370
    assert checks.parameter_counts((128, 128), pool_stride=1) > 10 * stated["exp_3"]
    assert checks.parameter_counts((128,) * 6, padding="same") == stated["exp_7"]
    assert checks.parameter_counts((128,) * 5, padding="same") == 857_482


def test_the_third_pair_gains_with_dropout_alone():
    assert [round(100 * gain, 1) for gain in checks.gain_of_the_third_pair().values()] == [-2.1, -1.2, 5.3]


@pytest.mark.parametrize(("n_samples", "missing_s"), [(660_000, 0.068), (661_500, 0), (675_808, 0)])
def test_what_the_tenth_segment_lacks(n_samples, missing_s):
    assert checks.missing_s(n_samples) == pytest.approx(missing_s, abs=0.001)
    silence_s = (MelImage().cut(np.ones(n_samples, np.float32))[-1] == 0).sum() / audio.SAMPLE_RATE_HZ
    assert silence_s == pytest.approx(checks.missing_s(n_samples))


@pytest.mark.parametrize(("validation", "verdict"), [((0.5, 0.7), Verdict.REPRODUCED), ((0.7, 0.5), Verdict.NOT)])
def test_dropout_must_narrow_the_gap_between_training_and_validation(tmp_path, validation, verdict):
    def made(name, value):
        curves = {"accuracy": [0.9, 0.95], "loss": [0.3, 0.2], "val_accuracy": [value, 0.1], "val_loss": [1.0, 1.1]}
        return handmade.record(name, paper=PAPER.id, history=curves)

    pair = zip(("exp_4_l2", "exp_4R"), validation, strict=True)
    judged = verdicts.judge(PAPER, "C14", handmade.table(tmp_path, *(made(*one) for one in pair)))
    assert judged.verdict is verdict and f"exp_4_l2 {100 * (0.9 - validation[0]):+.1f} points" in judged.found


def test_standard_errors_of_the_claimed_differences():
    table = checks.standard_errors()
    assert list(table.index) == ["C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C13", "C17"]
    assert round(table.loc["C7", "errors"], 1) == 1.7
    assert set(table.index[table["errors"].abs() < 1.96]) == {"C3", "C5", "C6", "C7", "C9", "C13", "C17"}
    assert (table["errors_clustered"].abs() < table["errors"].abs()).all()


def test_siblings_that_are_right_or_wrong_together_widen_the_error_by_the_factor():
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_hypergeometric([10] * 1000, 1000, size=1000)
    accuracy = (drawn * (rng.random(drawn.shape) < 0.5)).sum(axis=1) / 1000
    assert accuracy.std() / np.sqrt(0.25 / 1000) == pytest.approx(checks.sibling_factor(), rel=0.1)


# Figures


def test_the_pictures_are_those_that_the_networks_get():
    samples = np.random.default_rng(0).normal(size=3 * audio.SAMPLE_RATE_HZ).astype(np.float32)
    figure = figures.pictures(samples, [(128, 128), paper_experiments.LARGE])
    shown = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert np.array_equal(shown[1], MelImage(n_segments=1)(samples)[0])
    assert shown[2].shape == (*paper_experiments.LARGE, 3)
    plt.close(figure)


def test_accuracies_are_drawn_where_they_are():
    table = pd.DataFrame({"train_accuracy": [0.9, np.nan], "val_accuracy": [0.6, np.nan], "accuracy": [0.5, 0.674]}, index=["1", "4"])
    figure = figures.accuracies(table, n_test=1000)
    drawn = {line.get_label(): line.get_xdata() for line in figure.axes[0].lines}
    assert np.array_equal(drawn["training"], table["train_accuracy"], equal_nan=True)
    (bars,) = figure.axes[0].containers
    (low, _), (high, _) = bars.lines[2][0].get_segments()[0]
    assert low < 0.5 < high and high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 1000), rel=0.01)
    plt.close(figure)


def test_every_picture_of_every_genre_has_its_mark():
    panel = {"genre": np.repeat(np.arange(10), 3), "x": np.arange(30.0), "y": np.zeros(30), "test": np.tile([True, False, False], 10)}
    figure = figures.activations({"all": panel, "test": {k: v[::3] for k, v in panel.items() if k != "test"}}, handmade.GENRES)
    assert [sum(len(marks.get_offsets()) for marks in axis.collections) for axis in figure.axes] == [30, 10]
    assert [text.get_text() for text in figure.axes[-1].get_legend().get_texts()] == list(handmade.GENRES)
    styles = {(tuple(marks.get_edgecolor()[0]), marks.get_paths()[0].vertices.tobytes()) for marks in figure.axes[0].collections}
    assert len(styles) == 10
    plt.close(figure)
