"""Srivastava et al.: the checks of the claims on hand-made records, the arithmetic of the contradictions, the data set, the figures."""

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import need
from hypothesis import given
from hypothesis import strategies as st

from musicgenre import experiments, papers, verdicts
from musicgenre.checks import srivastava_2022 as checks
from musicgenre.corpora import audio
from musicgenre.experiments import srivastava_2022 as paper_experiments
from musicgenre.judgements import Verdict
from musicgenre.plots import results
from musicgenre.plots import splits as split_plots
from musicgenre.plots import srivastava_2022 as figures
from musicgenre.settings import Profile
from musicgenre.splits import PARTS, split

PAPER = papers.read("srivastava_2022")
GENRES = tuple(checks.printed_by_genre("cnn_gru").index)


def records(accuracy: dict[str, float], f1: dict[str, dict[str, float]] | None = None, protocol: str = "as_published") -> pd.DataFrame:
    """Records of runs on 200 test tracks of ten segments each, with these shares of right answers in every track."""
    rows = []
    for name, share in accuracy.items():
        by_genre = {genre: {"precision": 0.5, "recall": 0.5, "f1": (f1 or {}).get(name, {}).get(genre, 0.5)} for genre in GENRES}
        tracks = {"track_id": list(range(200)), "correct": [round(10 * share)] * 200, "segments": [10] * 200}
        made = {"tracks": tracks, "by_genre": by_genre, "protocol": protocol, "history": {}}
        rows.append({"paper": PAPER.id, "experiment": name, "profile": "lite", "protocol": protocol, "record": made})
    return pd.DataFrame(rows, columns=["paper", "experiment", "profile", "protocol", "record"])


# Claims


@pytest.mark.parametrize(
    ("gru", "lstm", "verdict"), [(0.9, 0.9, Verdict.REPRODUCED), (0.9, 0.8, Verdict.NOT), (0.8, 0.9, Verdict.NOT), (0.8, 0.8, Verdict.NOT)]
)
def test_both_models_must_be_above_the_quoted_cnn(gru, lstm, verdict):
    judged = verdicts.judge(PAPER, "C1", records({"cnn_gru": gru, "cnn_lstm": lstm}))
    assert judged.verdict is verdict
    assert "83.3%" in judged.found and f"cnn_gru {gru:.1%}" in judged.found


def test_the_interval_counts_and_not_the_mean():
    made = records({"cnn_gru": 0.9, "cnn_lstm": 0.9})
    made["record"][0]["tracks"]["correct"] = [8] * 120 + [9] * 80  # 84 %, but the interval reaches below 83.3 %
    assert checks.both_above_quoted_cnn(made).verdict is Verdict.NOT


@pytest.mark.parametrize(
    ("best", "worst", "verdict"),
    [("classical", "rock", Verdict.REPRODUCED), ("metal", "rock", Verdict.NOT), ("classical", "blues", Verdict.NOT)],
)
def test_classical_must_be_best_and_rock_worst_in_both(best, worst, verdict):
    f1 = {"cnn_gru": {"classical": 0.9, "rock": 0.2}, "cnn_lstm": {best: 0.9, worst: 0.2}}
    judged = verdicts.judge(PAPER, "C3", records({"cnn_gru": 0.8, "cnn_lstm": 0.8}, f1))
    assert judged.verdict is verdict
    assert f"cnn_lstm: best {best}, worst {worst}" in judged.found


def test_f1_is_the_mean_over_runs():
    runs = [records({"cnn_gru": 0.8, "cnn_lstm": 0.8}, dict.fromkeys(checks.MODELS, scores)) for scores in (
        {"classical": 0.9, "rock": 0.2}, {"classical": 0.9, "rock": 0.3, "blues": 0.25})]  # fmt: skip
    assert checks.best_and_worst_genre(pd.concat(runs, ignore_index=True)).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize("claim", PAPER.claims.index)
@pytest.mark.parametrize("made", [records({}), records({"cnn_gru": 0.9}), records({"cnn_gru": 0.9, "cnn_lstm": 0.9}, protocol="tracks")])
def test_nothing_is_judged_from_missing_runs(claim, made):
    assert verdicts.judge(PAPER, claim, made).verdict is Verdict.NOT_RUN


# Arithmetic of the contradictions


@given(st.integers(1, 60), st.data())
def test_counts_exist_for_what_real_counts_give(n, data):
    hits = data.draw(st.integers(1, n))
    answers = data.draw(st.integers(hits, 2 * n))
    printed = [round(float(value), 2) for value in (hits / answers, hits / n, 2 * hits / (n + answers))]
    if min(printed) > 0.02:
        assert checks.counts_exist(n, *printed)


@pytest.mark.parametrize(("n", "exist"), [(20, False), (44, False), (45, True), (200, True)])
def test_classical_needs_45_items(n, exist):
    assert checks.counts_exist(n, 0.88, 0.98, 0.93) is exist


def test_no_counts_give_figures_that_contradict_each_other():
    assert not any(checks.counts_exist(n, 0.83, 1.0, 0.94, off_by=checks.AT_WILL) for n in range(1, 201))


@pytest.mark.parametrize(
    ("experiment", "nearest", "at_will", "largest"), [("cnn_gru", 255, 209, ("classical", 45)), ("cnn_lstm", 310, 229, ("classical", 67))]
)
def test_no_table_fits_200_test_tracks(experiment, nearest, at_will, largest):
    smallest = checks.smallest_test_set(experiment)
    assert smallest.sum() == nearest and (smallest.idxmax(), smallest.max()) == largest
    assert checks.smallest_test_set(experiment, off_by=checks.AT_WILL).sum() == at_will > 200


@pytest.mark.parametrize(
    ("size", "padding", "left"),
    [(23, "valid", [23, 11, 3, 0]), (23, "same", [23, 12, 4, 1]), (24, "valid", [24, 12, 4, 1]), (130, "same", [130, 65, 22, 6])],
)
def test_the_printed_pools_leave(size, padding, left):
    assert checks.printed_architecture(size, padding=padding) == left


@pytest.mark.parametrize("n_frames", [38, 130, 457])
def test_keras_pools_as_the_arithmetic_says(n_frames):
    model = experiments.get(PAPER.id, "cnn_gru").build((n_frames, 23), 10)
    steps = next(layer.input.shape[1] for layer in model.layers if "GRU" in type(layer).__name__)
    assert steps == checks.printed_architecture(n_frames, padding="same")[-1]


def test_the_accuracy_of_the_lstm_cannot_be_its_mean_recall():
    gru, lstm = (checks.accuracy_against_mean_recall(name) for name in checks.MODELS)
    assert gru["lowest"] <= gru["accuracy"] <= gru["highest"]
    assert lstm["accuracy"] - 0.0005 > lstm["highest"]
    assert lstm["accuracy"] == pytest.approx(lstm["mean_precision"])
    assert [round(lstm[f"sd_{n}"], 1) for n in (200, 2000)] == [2.7, 8.5]


# Data set and figures


@pytest.fixture(scope="module")
def dataset():
    return experiments.get(PAPER.id, "cnn_lstm").dataset(Profile.SMOKE, None)


def test_an_item_is_a_segment_of_three_seconds(dataset):
    assert dataset.x.shape == (10 * len(dataset.corpus), 130, 23) and dataset.x.dtype == np.float32
    assert (dataset.items.groupby("track_id")["segment"].agg(list).map(tuple) == tuple(range(10))).all()
    assert dataset.genres == GENRES and dataset.reductions == ()


def test_lite_says_what_it_reduces(real_data):
    need(real_data, "gtzan_logmel.npz")
    lite = experiments.get(PAPER.id, "cnn_gru").dataset(Profile.LITE, real_data)
    assert lite.x.shape == (9990, 38, 23)
    assert lite.reductions == (paper_experiments.LONG_HOP,) and "38 frames" in lite.reductions[0]


def test_mfccs_are_librosas(dataset):
    rate_hz = audio.SAMPLE_RATE_HZ
    second = audio.read(dataset.corpus.clips["path"].iloc[0])[3 * rate_hz : 6 * rate_hz]
    assert np.allclose(dataset.x[1], librosa.feature.mfcc(y=second, sr=rate_hz, n_mfcc=23).T, atol=0.01)


def test_segments_drawn_at_random_have_siblings_in_training(dataset):
    drawn = split(dataset.items, "as_published", valid_fraction=0.16, test_fraction=0.2)
    tested, trained_on = (dataset.items["track_id"].iloc[part] for part in (drawn.test, drawn.train))
    assert tested.isin(set(trained_on)).mean() > 0.95


def test_the_map_of_a_split_shows_each_part(dataset):
    protocols = ("as_published", "tracks")
    parts = [split(dataset.items, name, valid_fraction=0.16, test_fraction=0.2) for name in protocols]
    tracks = list(dataset.corpus.clips.index[::5])
    figure = split_plots.parts(dataset.items, parts, tracks)
    order = [label.get_text().split()[0] for label in figure.axes[0].get_yticklabels()]
    drawn = {axis.get_title(): axis.collections[0].get_array().reshape(len(tracks), 10) for axis in figure.axes}
    part = pd.Series(0, index=dataset.items["track_id"])
    for code, name in enumerate(PARTS, start=1):
        part.iloc[getattr(parts[0], name)] = code
    assert sorted(order) == sorted(tracks)
    assert np.array_equal(drawn["as published"], [part[track] for track in order])
    assert (drawn["tracks"] == drawn["tracks"][:, :1]).all()  # a clip is in one part
    plt.close(figure)


def test_the_drawn_network_is_the_one_that_is_given():
    model = experiments.get(PAPER.id, "cnn_gru").build((130, 23), 10)
    figure = results.architecture(model)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("6 × 128") == 1 and "GRU 20" in texts and "MaxPooling2D 3 × 3, same" in texts
    counts = [int(text.replace(",", "")) for text in texts if text.replace(",", "").isdigit()]
    assert sum(counts) - 20 - 10 == model.count_params()  # the last two shapes are single numbers
    plt.close(figure)


def test_the_derivation_ends_with_the_coefficients(dataset):
    samples = audio.read(dataset.corpus.clips["path"].iloc[0])[: 3 * audio.SAMPLE_RATE_HZ]
    figure = figures.mfcc_derivation(samples)
    drawn = figure.axes[3].images[0].get_array()
    assert np.allclose(drawn.T, dataset.x[0], atol=0.01)
    plt.close(figure)
