"""DeMarco et al.: models as described, sequences clean and mixed, and every check of a claim on records with a known answer."""

from dataclasses import replace

import handmade
import librosa
import numpy as np
import pandas as pd
import pytest
from conftest import need
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from musicgenre import experiments, papers
from musicgenre.checks import demarco_2024 as checks
from musicgenre.errors import LeakError
from musicgenre.experiments import demarco_2024 as paper_experiments
from musicgenre.experiments.demarco_2024 import SLICES, mix_rows
from musicgenre.features.vector57 import COLUMNS
from musicgenre.judgements import Missing, Verdict
from musicgenre.models import demarco_2024 as models
from musicgenre.settings import Profile
from musicgenre.splits import PARTS, split

PAPER = papers.read("demarco_2024")


# Models


@pytest.mark.parametrize(("features", "hidden", "count"), [(57, 13, 894), (58, 13, 907), (57, 64, 4362), (58, 64, 4426)])
def test_mlp_has_the_parameters_of_two_linear_layers(features, hidden, count):
    assert models.mlp((features,), 10, hidden=hidden).count_params() == count


@pytest.mark.parametrize(("shape", "count"), [((10, 57), 69066), ((10, 58), 69322), ((5, 57), 69066), ((3, 57), 69066), ((10, 40), 64714)])
def test_lstm_has_the_parameters_of_its_layers_however_long_the_sequence(shape, count):
    assert models.lstm(shape, 10).count_params() == count


@pytest.mark.parametrize("name", PAPER.experiments.index)
def test_models_have_the_layers_of_the_paper(name):
    shape = (57,) if name.startswith("mlp") else (10, 57)
    built = experiments.get("demarco_2024", name).build(shape, 10)
    described = [line.split(",")[0] for line in PAPER.experiments["layers"][name]]
    assert [f"{type(layer).__name__} {getattr(layer, 'units', '')}".strip() for layer in built.layers] == described
    assert built.output_shape == (None, 10)


def test_nothing_is_done_after_the_last_linear_layer_of_the_mlp_but_dropout_and_softmax():
    dense = [layer for layer in models.mlp((57,), 10, hidden=13).layers if isinstance(layer, layers.Dense)]
    assert [layer.activation.__name__ for layer in dense] == ["relu", "linear"]


# Mixed rows


@st.composite
def sequences(draw):
    """Sequences whose rows hold the number of their clip, and a split of them."""
    n_per_genre, n_rows = draw(st.integers(10, 16)), draw(st.integers(2, 6))
    dataset = handmade.dataset(n_per_genre, shape=(n_rows, 1))
    clips = np.broadcast_to(np.arange(len(dataset.x))[:, None, None], dataset.x.shape)
    parts = split(dataset.items, "as_published", seed=draw(st.integers(0, 5)), valid_fraction=0.1, test_fraction=0.2)
    return replace(dataset, x=clips.copy()), parts, draw(st.integers(0, 2**31))


@settings(max_examples=20)
@given(sequences(), st.booleans())
def test_mixing_keeps_every_row_and_every_label(case, across_parts):
    dataset, parts, seed = case
    before = dataset.x.copy()
    mixed, same = mix_rows(dataset, parts, seed, across_parts=across_parts)
    assert same is parts
    assert np.array_equal(dataset.x, before)  # the clean sequences stay as they are
    assert list(mixed.items["genre"]) == list(dataset.items["genre"])
    assert np.array_equal(
        dataset.y[mixed.x], np.broadcast_to(dataset.y[:, None, None], mixed.x.shape)
    )  # every row in a sequence of its genre
    assert np.array_equal(np.sort(mixed.x, axis=None), np.sort(dataset.x, axis=None))
    assert mixed.items["track_id"].is_unique
    again, _ = mix_rows(dataset, parts, seed, across_parts=across_parts)
    assert np.array_equal(again.x, mixed.x)


@settings(max_examples=20)
@given(sequences())
def test_mixing_inside_the_parts_does_not_leak(case):
    dataset, parts, seed = case
    mixed, _ = mix_rows(dataset, parts, seed, across_parts=False)
    for part in PARTS:
        own = getattr(parts, part)
        assert np.array_equal(np.unique(mixed.x[own]), own)
    test = mixed.x[parts.test, :, 0]
    assert (test != test[:, :1]).any()  # but sequences are of several clips


def test_mixing_before_the_split_is_refused_where_tracks_are_kept_apart():
    dataset = handmade.dataset(20, shape=(10, 1))
    parts = split(dataset.items, "tracks", seed=0, valid_fraction=0.1, test_fraction=0.2)
    with pytest.raises(LeakError, match="the protocol tracks forbids it"):
        mix_rows(dataset, parts, 0, across_parts=True)


def test_mixing_before_the_split_puts_clips_on_both_sides():
    dataset = handmade.dataset(20, shape=(10, 1))
    dataset = replace(dataset, x=np.broadcast_to(np.arange(200)[:, None, None], dataset.x.shape).copy())
    parts = split(dataset.items, "as_published", seed=0, valid_fraction=0.1, test_fraction=0.2)
    mixed, _ = mix_rows(dataset, parts, 0, across_parts=True)
    assert np.isin(mixed.x[parts.test], mixed.x[parts.train]).mean() > 0.99


def test_the_mixed_experiments_differ_from_the_clean_one_in_nothing_else():
    clean, inside, across = (
        experiments.get("demarco_2024", f"lstm_10s{suffix}") for suffix in ("", "_mixed_within_parts", "_mixed_before_split")
    )
    for mixed in (inside, across):
        unmixed = replace(mixed, id=clean.id, prepare=None, protocols=clean.protocols)
        assert unmixed == replace(clean, build=unmixed.build) and mixed.build is clean.build
    assert inside.protocols == ("tracks",) and across.protocols == ("as_published",)


# Data sets


def test_items_in_smoke_are_clips_of_57_features():
    dataset = experiments.get("demarco_2024", "mlp_30s").dataset(Profile.SMOKE, None)
    assert dataset.x.shape == (100, 57) and len(dataset.genres) == 10 and dataset.corpus.name == "synthetic"
    assert (dataset.x[:, COLUMNS.index("spectral_centroid_mean")] > 100).all()
    assert dataset.reductions == ()


def test_slices_in_lite_are_means_and_variances_of_mfccs(monkeypatch):
    made = handmade.lite(3, 387)
    monkeypatch.setattr(paper_experiments, "lite_log_mel", lambda *_: made)
    x = paper_experiments.sequences.__wrapped__(Profile.LITE, None, slice_s=3).x
    second = librosa.feature.mfcc(S=made[1][0, 0, 38:76].T, n_mfcc=20)
    np.testing.assert_allclose(x[0, 1], [*second.mean(axis=1), *second.var(axis=1)], rtol=1e-3, atol=1e-3)


def test_items_in_lite_are_those_of_the_published_tables_and_of_the_log_mel(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path))
    for name in ("features_30_sec.csv", "features_10_sec.csv", "gtzan_logmel.npz"):
        need(real_data, name)
    expected = {"mlp_30s": (1000, 57), "mlp_3s": (9990, 40), "lstm_10s": (991, 3, 57)}
    expected |= {f"lstm_{slice_s}s": (999, n_slices, 40) for slice_s, n_slices in SLICES.items()}
    for name, shape in expected.items():
        dataset = experiments.get("demarco_2024", name).dataset(Profile.LITE, real_data)
        assert dataset.x.shape == shape, name
        assert bool(dataset.reductions) == (shape[-1] == 40)
        assert np.isfinite(dataset.x).all()


# Checks of the claims


def curves(*, last_accuracy: float = 1.0, val_accuracy: list[float] | None = None) -> dict:
    val_accuracy = val_accuracy or [0.5, 0.6]
    n = len(val_accuracy)
    return {"accuracy": [0.5] * (n - 1) + [last_accuracy], "loss": [1.0] * n, "val_accuracy": val_accuracy, "val_loss": [1.0] * n}


def records(tmp_path, *made) -> pd.DataFrame:
    return handmade.table(tmp_path, *made)


@pytest.mark.parametrize(("trained_on_6s", "trained_on_9s"), [(1.0, 1.0), (1.0, 0.52), (0.52, 1.0), (0.52, 0.52)])
def test_longer_slices_overfit_where_training_accuracy_is_above_the_interval_of_test_accuracy(tmp_path, trained_on_6s, trained_on_9s):
    made = [
        handmade.record(name, 0.5, history=curves(last_accuracy=accuracy))  # 52 % are above 50 %, but inside the interval
        for name, accuracy in {"lstm_6s": trained_on_6s, "lstm_9s": trained_on_9s}.items()
    ]
    judged = checks.longer_slices_overfit(records(tmp_path, *made))
    assert judged.verdict == (Verdict.REPRODUCED if trained_on_6s == trained_on_9s == 1 else Verdict.NOT)
    assert f"lstm_9s {trained_on_9s:.1%}, test 50.0% (" in judged.found


SURE = dict(zip(handmade.GENRES, np.linspace(0.3, 0.99, 10), strict=True))  # certainty in alphabetical order of the genres


@pytest.mark.parametrize(
    ("quarters", "disco", "verdict"),
    [
        ("0013122344", 0.3, Verdict.REPRODUCED),  # disco is right more often than it is sure
        ("0111223344", None, Verdict.PARTLY),  # recall follows certainty in disco as well
        ("0110223344", None, Verdict.PARTLY),  # disco is the outlier, but on the other side
        ("0111223340", None, Verdict.NOT),
        ("4433221110", None, Verdict.NOT),
    ],
)
def test_certainty_follows_recall_or_does_not(tmp_path, quarters, disco, verdict):
    right = {genre: int(quarter) / 4 for genre, quarter in zip(handmade.GENRES, quarters, strict=True)}
    made = handmade.record("mlp_30s", right, confidence=SURE | {"disco": disco or SURE["disco"]})
    judged = checks.certainty_follows_recall(records(tmp_path, made))
    assert judged.verdict == verdict, judged


@pytest.mark.parametrize(
    ("brightest", "darkest", "verdict"),
    [("classical", "metal", Verdict.REPRODUCED), ("metal", "classical", Verdict.NOT), ("classical", "rock", Verdict.NOT)],
)
def test_brightness_is_judged_by_the_order_of_the_centroids(tmp_path, brightest, darkest, verdict):
    made = handmade.record("mlp_30s")
    made["measurements"]["spectral_centroid_hz"] |= dict.fromkeys(handmade.GENRES, 2000.0) | {brightest: 3000.0, darkest: 1000.0}
    judged = checks.spectral_centroid_by_genre(records(tmp_path, made))
    assert judged.verdict == verdict
    if brightest == "classical":
        assert "classical 3000 Hz (rank 1 of 10)" in judged.found


def test_the_centroid_of_a_genre_is_the_mean_over_its_clips():
    made = handmade.outcome("mlp_30s")
    measured = made.experiment.measure(made)["spectral_centroid_hz"]
    column = made.dataset.x[:, COLUMNS.index("spectral_centroid_mean")]
    assert measured["jazz"] == pytest.approx(column[made.dataset.items["genre"] == "jazz"].mean(), abs=0.06)
    assert set(measured) == set(handmade.GENRES)


@pytest.mark.parametrize(
    ("right", "confidence", "verdict"),
    [
        ({"rock": 0.0, "blues": 0.25}, {"rock": 0.5, "blues": 0.6}, Verdict.REPRODUCED),
        ({"rock": 0.0, "blues": 0.25}, {"rock": 0.5, "jazz": 0.6}, Verdict.PARTLY),
        (dict.fromkeys(["country", "disco", "jazz", "metal", "rock"], 0.25), {"rock": 0.5, "blues": 0.6}, Verdict.PARTLY),
        (dict.fromkeys(["country", "disco", "jazz", "metal", "rock"], 0.25), {"rock": 0.5, "jazz": 0.6}, Verdict.NOT),
    ],
)
def test_the_least_certain_genres_must_be_named_and_inaccurate(tmp_path, right, confidence, verdict):
    judged = checks.least_certain_genres(records(tmp_path, handmade.record("mlp_30s", right, confidence=confidence)))
    assert judged.verdict == verdict
    assert judged.found.startswith("lowest certainties: rock 0.95, ") and "lowest recalls: " in judged.found


@pytest.mark.parametrize(
    ("hard", "sure", "verdict"),
    [
        ("blues country disco hiphop jazz", "classical metal pop", Verdict.REPRODUCED),
        ("blues country disco hiphop jazz", "classical metal rock", Verdict.PARTLY),
        ("blues country disco hiphop pop", "classical metal pop", Verdict.PARTLY),
        ("blues country disco hiphop pop", "classical metal rock", Verdict.NOT),
    ],
)
def test_the_most_certain_genres_must_be_named_and_accurate(tmp_path, hard, sure, verdict):
    made = handmade.record("mlp_30s", dict.fromkeys(hard.split(), 0.5), confidence=dict.fromkeys(sure.split(), 0.99))
    judged = checks.most_certain_genres(records(tmp_path, made))
    assert judged.verdict == verdict
    assert judged.found.startswith("highest certainties: classical ")


@pytest.mark.parametrize(
    ("of_clips", "of_slices", "verdict"), [(0.75, 0.75, Verdict.REPRODUCED), (1.0, 0.75, Verdict.PARTLY), (0.75, 0.5, Verdict.NOT)]
)
def test_the_mlps_are_compared_with_the_number_of_2002(tmp_path, of_clips, of_slices, verdict):
    judged = checks.better_than_2002(records(tmp_path, handmade.record("mlp_30s", of_clips), handmade.record("mlp_3s", of_slices)))
    assert judged.verdict == verdict
    assert f"mlp_30s {of_clips:.1%}" in judged.found


@pytest.mark.parametrize(("share", "verdict"), [(0.8, Verdict.REPRODUCED), (0.4, Verdict.NOT), (1.0, Verdict.NOT)])
def test_top_three_is_judged_by_its_interval(tmp_path, share, verdict):
    made = handmade.record("mlp_3s")
    made["tracks"]["in_top3"] = [int(i < share * 40) for i in range(40)]
    assert checks.top_three(records(tmp_path, made)).verdict == verdict


@pytest.mark.parametrize(("epoch", "verdict"), [(20, Verdict.REPRODUCED), (40, Verdict.REPRODUCED), (41, Verdict.NOT), (19, Verdict.NOT)])
def test_convergence_is_the_first_epoch_near_the_best(tmp_path, epoch, verdict):
    steady, late = [0.5] * 29 + [0.8] * 21, [0.5] * (epoch - 1) + [0.795] * (49 - epoch) + [0.8, 0.7]
    made = [handmade.record(f"lstm_{s}s", 0.5, history=curves(val_accuracy=late if s == 9 else steady)) for s in SLICES]
    judged = checks.epochs_to_converge(records(tmp_path, *made))
    assert judged.verdict == verdict
    assert judged.found == f"median epoch: lstm_3s 30, lstm_6s 30, lstm_9s {epoch}"


@pytest.mark.parametrize("name", PAPER.claims["check"].dropna())
def test_checks_say_what_is_missing(tmp_path, name):
    with pytest.raises(Missing, match=r"no run of (mlp|lstm)_\d+s under"):
        getattr(checks, name)(records(tmp_path, handmade.record("lstm_10s")))
