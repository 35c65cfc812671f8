"""Schaldenbrand & He: checks of the claims on records with a known answer, the arithmetic of the models, the data set, the figures."""

import handmade
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import need
from keras import layers
from matplotlib.patches import Rectangle

from musicgenre import experiments, papers, verdicts
from musicgenre.checks import schaldenbrand_he_2019 as checks
from musicgenre.experiments import schaldenbrand_he_2019 as paper_experiments
from musicgenre.judgements import Verdict
from musicgenre.models import schaldenbrand_he_2019 as models
from musicgenre.plots import schaldenbrand_he_2019 as figures
from musicgenre.settings import Profile
from musicgenre.splits import split

PAPER = papers.read("schaldenbrand_he_2019")
TABLE_1 = list(PAPER.results["experiment"].unique())
OVERFITS = {"loss": [1.0, 0.3, 0.2, 0.1], "val_loss": [1.5, 1.2, 1.3, 1.4]}


def records(curves: dict[str, list[dict]]) -> pd.DataFrame:
    """Records of runs with these curves, a seed each."""
    scores = {"segment": {"confusion": [[1, 0], [0, 1]]}}
    kind = {"paper": PAPER.id, "profile": "lite", "protocol": "tracks"}
    rows = [
        kind | {"experiment": name, "seed": seed, "record": {"history": history, "scores": scores, "seed": seed, "fold": 1}}
        for name, histories in curves.items()
        for seed, history in enumerate(histories)
    ]
    return pd.DataFrame(rows, columns=["paper", "experiment", "profile", "protocol", "seed", "record"])


# Claims


def test_the_printed_counts_of_the_first_layers_are_those_of_the_models():
    judged = verdicts.judge(PAPER, "C2", records({}))
    assert judged.verdict is Verdict.REPRODUCED
    assert "ghosal_lstm 49,280" in judged.found and "conv2d_lstm 6,272" in judged.found


def test_another_first_layer_would_be_found_out(monkeypatch):
    monkeypatch.setattr(checks, "INPUT_SHAPE", (1200, 96))
    assert checks.first_layer_parameters(records({})).verdict is Verdict.NOT


@pytest.mark.parametrize(
    ("odd_one", "verdict"),
    [
        (OVERFITS, Verdict.REPRODUCED),
        ({"loss": [1.0, 0.6, 0.6], "val_loss": [1.2, 1.4, 1.5]}, Verdict.NOT),  # still learning
        ({"loss": [1.0, 0.5, 0.1], "val_loss": [1.4, 1.3, 1.2]}, Verdict.NOT),  # lowest at the end
        ({"loss": [1.0, 0.5, 0.1], "val_loss": [1.2, 1.5, 1.4]}, Verdict.NOT),  # above its minimum, but it falls
    ],
)
@pytest.mark.parametrize("name", ["dieleman", "conv2d_lstm"])
def test_all_five_models_must_overfit(name, odd_one, verdict):
    judged = verdicts.judge(PAPER, "C3", records({model: [odd_one if model == name else OVERFITS] for model in TABLE_1}))
    assert judged.verdict is verdict
    assert f"{name} {odd_one['loss'][-1]:.2f}" in judged.found


def test_overfitting_is_judged_in_the_mean_over_runs():
    low, high = ({"loss": [loss], "val_loss": [1.0, 1.2, 1.5]} for loss in (0.1, 0.8))
    assert checks.all_models_overfit(records({name: [low, high] for name in TABLE_1})).verdict is Verdict.REPRODUCED
    assert checks.all_models_overfit(records({name: [low, high, high] for name in TABLE_1})).verdict is Verdict.NOT


def valley(depth: float, epoch: int) -> dict:
    """Give a validation loss with its minimum at an epoch."""
    return {"val_loss": [depth + abs(i - epoch) for i in range(1, 40)]}


@pytest.mark.parametrize(
    ("depth", "epoch", "verdict"),
    [
        (1.3, 10, Verdict.REPRODUCED),
        (1.3, 5, Verdict.REPRODUCED),
        (1.3, 15, Verdict.REPRODUCED),
        (1.3, 4, Verdict.PARTLY),
        (1.3, 16, Verdict.PARTLY),
        (1.5, 10, Verdict.NOT),
        (1.4, 10, Verdict.NOT),
    ],
)
def test_the_minimum_must_be_deeper_and_come_about_as_soon(depth, epoch, verdict):
    made = records({"ghosal_lstm": [valley(1.4, 9), valley(1.4, 10), valley(1.4, 30)], "conv2d_lstm": [valley(depth, epoch)]})
    judged = verdicts.judge(PAPER, "C4", made)
    assert judged.verdict is verdict
    assert f"conv2d_lstm {depth:.3f} at epoch {epoch}" in judged.found and "ghosal_lstm 1.400 at epoch 10" in judged.found


@pytest.mark.parametrize("claim", ["C1", "C3", "C4", "C5", "C6", "C7", "C9", "C11", "C12", "C13"])
@pytest.mark.parametrize("made", [records({}), records({"ghosal_lstm": [OVERFITS]})], ids=["no run", "one model"])
def test_nothing_is_judged_from_missing_runs(claim, made):
    assert verdicts.judge(PAPER, claim, made).verdict is Verdict.NOT_RUN


def test_checks_read_records_as_runs_write_them(tmp_path):
    curves = OVERFITS | {"accuracy": [0.4, 0.8, 0.9, 0.9], "val_accuracy": [0.3, 0.5, 0.4, 0.4]}
    made = [handmade.record(name, 0.5, paper=PAPER.id, history=curves) for name in TABLE_1]
    found = handmade.table(tmp_path, *made)
    assert verdicts.judge(PAPER, "C3", found).verdict is Verdict.REPRODUCED
    assert verdicts.judge(PAPER, "C4", found).verdict is Verdict.NOT  # no deeper
    assert verdicts.judge(PAPER, "C6", found).verdict is not Verdict.NOT_RUN
    assert verdicts.judge(PAPER, "C12", found).verdict is Verdict.NOT  # no lower


@pytest.mark.parametrize(("with_2d", "verdict"), [((1.3, 1.5), Verdict.REPRODUCED), ((1.5, 1.6), Verdict.NOT)])
def test_the_test_loss_must_be_lower_in_the_mean(with_2d, verdict):
    made = records({"ghosal_lstm": [{}, {}], "conv2d_lstm": [{}, {}, {}]})
    for record, loss in zip(made["record"], (1.5, 1.5, *with_2d, 0.1), strict=True):
        record["scores"] = {"segment": {"loss": loss}}
    judged = verdicts.judge(PAPER, "C12", made)  # the third run has no partner
    assert judged.verdict is verdict and f"{np.mean(with_2d) - 1.5:+.3f} (2 pairs of runs)" in judged.found


@pytest.mark.parametrize(
    ("large", "verdict"),
    [
        ([0.30, 0.31, 0.29], Verdict.REPRODUCED),
        ([0.30, 0.60, 0.40], Verdict.PARTLY),  # lower in the mean, but one pair says otherwise
        ([0.50, 0.52, 0.54], Verdict.NOT),
        ([0.30], Verdict.NOT_RUN),  # one pair has no spread
    ],
)
def test_a_very_low_validation_accuracy_is_lower_by_more_than_chance(large, verdict):
    curve = [{"val_accuracy": [accuracy], "val_loss": [1.0]} for accuracy in (0.5, 0.5, 0.5, *large)]
    made = records({"dieleman": curve[:3], "dieleman_spotify": curve[3:]})
    for record in made["record"]:
        record["best_epoch"] = 1
    judged = verdicts.judge(PAPER, "C7", made)
    assert judged.verdict is verdict and f"{100 * (np.mean(large) - 0.5):+.1f} points" in judged.found


@pytest.mark.parametrize(("losses", "verdict"), [((1.4, 1.5, 1.6), Verdict.REPRODUCED), ((1.5, 1.6, 1.4), Verdict.NOT)])
def test_ghosal_with_lstm_must_have_the_lowest_test_loss(losses, verdict):
    made = records({name: [{}] for name in ("ghosal_lstm", "ghosal", "dieleman")})
    for record, loss in zip(made["record"], losses, strict=True):
        record["scores"] = {"segment": {"loss": loss}}
    assert verdicts.judge(PAPER, "C13", made).verdict is verdict


# Models


def convolution(cells: int, inputs: int, filters: int) -> int:
    return cells * inputs * filters + filters


def test_the_parameters_of_all_layers_follow_from_their_sizes():
    counts = {name: experiment.build((1200, 128), 8).count_params() for name, experiment in experiments.of_paper(PAPER.id).items()}
    lstm, last = 4 * 128 * (128 + 128 + 1), 128 * 8 + 8
    assert counts["ghosal"] == 2 * convolution(3, 128, 128) + last
    assert counts["ghosal_lstm"] == counts["ghosal"] + lstm
    assert counts["conv2d"] == convolution(3 * 16, 1, 128) + convolution(3 * 8, 128, 128) + last
    assert counts["conv2d_lstm"] == counts["conv2d"] + lstm > 2 * counts["ghosal_lstm"]  # X7
    assert counts["dieleman"] == 3 * convolution(3, 128, 128) + (256 * 128 + 128) + last
    assert counts["logistic_regression"] == 1200 * 128 * 8 + 8


def test_a_2d_filter_sees_16_bands_and_a_1d_filter_all():
    spectrogram = np.random.default_rng(0).normal(size=(1, 12, 128)).astype("float32")
    changed = spectrogram.copy()
    changed[..., 16:32] += 1
    two_d, one_d = (
        next(layer for layer in model.layers if "Conv" in type(layer).__name__)
        for model in (models.conv2d((12, 128), 8, lstm=False), models.ghosal((12, 128), 8, lstm=False))
    )
    moved = abs(np.asarray(two_d(changed[..., None])) - np.asarray(two_d(spectrogram[..., None]))).max(axis=(0, 1, 3))
    assert (moved > 0).tolist() == [False, True, *[False] * 6]
    assert abs(np.asarray(one_d(changed)) - np.asarray(one_d(spectrogram))).max() > 0


@pytest.mark.parametrize(("name", "steps"), [("ghosal_lstm", 597), ("conv2d_lstm", 597)])
def test_both_kinds_of_model_hand_the_lstm_as_many_steps(name, steps):
    (lstm,) = (layer for layer in experiments.get(PAPER.id, name).build((1200, 128), 8).layers if isinstance(layer, layers.LSTM))
    assert lstm.input.shape[1:] == (steps, 128) and lstm.output.shape[1:] == (128,)


# Data set


@pytest.fixture(scope="module")
def dataset():
    return experiments.get(PAPER.id, "conv2d").dataset(Profile.SMOKE, None)


def test_an_item_is_a_clip_of_1200_frames(dataset):
    assert dataset.x.shape == (len(dataset.corpus), paper_experiments.N_FRAMES, 128) and dataset.x.dtype == np.float32
    assert dataset.items["track_id"].is_unique and dataset.reductions == ()
    assert all(experiment.protocols == ("tracks",) for experiment in experiments.of_paper(PAPER.id).values())


def test_lite_takes_the_first_1200_frames(monkeypatch):
    made = handmade.lite(3, 128)
    monkeypatch.setattr(paper_experiments, "lite_log_mel", lambda *_: made)
    x = paper_experiments.clips.__wrapped__(Profile.LITE, None).x
    assert np.array_equal(x, made[1][:, 0, :119])  # of 128 frames at the long hop, the share that 1,200 are of 1,292


def test_lite_says_what_it_reduces(real_data):
    need(real_data, "fma_small_logmel.npz")
    lite = experiments.get(PAPER.id, "conv2d").dataset(Profile.LITE, real_data)
    assert lite.x.shape[1:] == (119, 128) and len(lite.genres) == 8
    assert lite.reductions == (paper_experiments.LONG_HOP, paper_experiments.OTHER_RATE) and "119 frames" in lite.reductions[0]
    assert lite.feature["parameters"]["sample_rate_hz"] == 44100
    parts = split(lite.items, "tracks", valid_fraction=0.1, test_fraction=0.1)
    assert len(parts.test) == 800


# Figures


def test_the_drawn_filters_cover_each_band_once():
    figure = figures.filters(np.zeros((32, 128)))
    heights = [[p.get_height() for p in axis.patches if isinstance(p, Rectangle) and p.get_fill()] for axis in figure.axes]
    assert heights == [[128], [16] * 8]
    plt.close(figure)


@pytest.mark.parametrize(("part", "values"), [("training", OVERFITS["loss"]), ("validation", OVERFITS["val_loss"])])
def test_curves_are_those_of_the_part_and_the_star_marks_the_kept_epoch(part, values):
    history = OVERFITS | {"accuracy": [0.4, 0.8, 0.9, 0.9], "val_accuracy": [0.3, 0.5, 0.4, 0.4]}
    figure = figures.by_epoch({"a": history}, part=part, best_epochs={"a": 2})
    curve, star = figure.axes[0].lines
    assert curve.get_ydata().tolist() == values and curve.get_xdata().tolist() == [1, 2, 3, 4]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (2, values[1])
    plt.close(figure)


def test_models_without_runs_are_drawn_with_the_papers_number_alone():
    columns = ["parameters", "paper", "mean", "low", "high", "two_dimensional", "in_paper"]
    rows = [
        [1e5, 0.49, np.nan, np.nan, np.nan, False, True],
        [2e5, np.nan, 0.5, 0.45, 0.55, True, False],
        [3e5, *[np.nan] * 4, True, False],
    ]
    figure = figures.against_parameters(pd.DataFrame(rows, index=["printed", "run", "neither"], columns=columns))
    assert {text.get_text(): text.xy for text in figure.axes[0].texts} == {"printed": (1e5, 0.49), "run": (2e5, 0.45)}
    plt.close(figure)


@pytest.mark.parametrize("paired", [[False, True], [False, False]])
def test_differences_are_drawn_with_their_intervals(paired):
    table = pd.DataFrame({"points": [5.0, 1.0], "low": [1.0, -2.0], "high": [9.0, 4.0], "paired": paired}, index=["a", "b"])
    figure = figures.differences(table)
    bars = [tuple(segment[:, 0]) for line in figure.axes[0].collections for segment in line.get_segments()]
    assert sorted(bars) == [(-2.0, 4.0), (1.0, 9.0)]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    plt.close(figure)
