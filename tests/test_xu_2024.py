"""Xu et al.: checks of the claims on hand-made records, arithmetic of the contradictions, data set, augmentation, figures."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import need
from hypothesis import given
from hypothesis import strategies as st

from musicgenre import augment, experiments, judgements, papers, verdicts
from musicgenre.checks import xu_2024 as checks
from musicgenre.corpora import audio
from musicgenre.experiments import Dataset
from musicgenre.experiments import xu_2024 as paper_experiments
from musicgenre.judgements import Verdict
from musicgenre.plots import xu_2024 as figures
from musicgenre.settings import Profile
from musicgenre.splits import split

PAPER = papers.read("xu_2024")
FRACTIONS = {"valid_fraction": 1 / 7, "test_fraction": 1 / 7}
WELL = [checks.CLASSES[number] for number in (0, 1, 3, 4, 5, 8)]


def record(
    name: str = "vgg", *, accuracy: float = 0.9, train: float = 0.9, valid: float = 0.8, right: dict[str, int] | None = None,
    wrong: dict[tuple[str, str], int] | None = None, protocol: str = "as_published",
) -> dict:  # fmt: skip
    """One run on 100 test tracks of ten segments, with these right answers of each genre and these wrong ones, of 100 a genre."""
    counts = pd.DataFrame(0, checks.CLASSES, checks.CLASSES)
    for genre in checks.CLASSES:
        counts.loc[genre, genre] = (right or {}).get(genre, 80)
    for (true, predicted), n in (wrong or {}).items():
        counts.loc[true, predicted] = n
    made = {
        "tracks": {"correct": [round(10 * accuracy)] * 100, "segments": [10] * 100},
        "by_genre": {genre: {"recall": counts.loc[genre, genre] / 100} for genre in checks.CLASSES},
        "scores": {"segment": {"confusion": counts.to_numpy().tolist()}},
        "genres": list(checks.CLASSES),
        "history": {"accuracy": [0.1, train, 1.0], "val_accuracy": [0.1, valid, 0.3]},
        "best_epoch": 2,
    }
    return {"paper": PAPER.id, "experiment": name, "profile": "lite", "protocol": protocol, "record": made}


def judge(claim: str, *made: dict) -> judgements.Judgement:
    return verdicts.judge(PAPER, claim, pd.DataFrame(made, columns=["paper", "experiment", "profile", "protocol", "record"]))


# Claims


@pytest.mark.parametrize(("lstm", "verdict"), [(0.8, Verdict.REPRODUCED), (0.9, Verdict.NOT), (0.95, Verdict.NOT)])
def test_vgg_must_be_best_by_training_accuracy_whatever_the_test_says(lstm, verdict):
    others = [record("cnn", train=0.7, accuracy=1.0), record("lstm", train=lstm), record("gru", train=0.6)]
    assert judge("C1", record("vgg", train=0.9, accuracy=0.1), *others).verdict is verdict


@pytest.mark.parametrize(
    ("high", "low", "small", "large", "verdict"),
    [
        (0.7, 0.7, 0.7, 0.805, Verdict.REPRODUCED),
        (0.7, 0.7, 0.7, 0.82, Verdict.PARTLY),
        (0.85, 0.7, 0.7, 0.7, Verdict.PARTLY),
        (0.7, 0.85, 0.7, 0.85, Verdict.NOT),
    ],
)
def test_learning_rate_and_batch_size(high, low, small, large, verdict):
    names = ("vgg_learning_rate_0.01", "vgg_learning_rate_0.0001", "vgg_batch_size_16", "vgg_batch_size_256")
    others = [record(name, valid=value) for name, value in zip(names, (high, low, small, large), strict=True)]
    judged = judge("C2", record("vgg", valid=0.8), *others)
    assert judged.verdict is verdict
    assert "0.001 80.0%" in judged.found and f"256 {large:.1%}" in judged.found


@pytest.mark.parametrize(("claim", "reason"), [("C3", "An aim"), ("C6", "Some are"), ("C7", "Two examples")])
def test_what_no_run_can_decide_is_not_judged(claim, reason):
    judged = judge(claim, record("vgg", accuracy=0.8), record("vgg_augmented", accuracy=0.9))
    assert judged.verdict is Verdict.UNDECIDABLE and reason in judged.found


@pytest.mark.parametrize(("country", "verdict"), [(60, Verdict.REPRODUCED), (80, Verdict.NOT), (90, Verdict.NOT)])
def test_each_of_the_six_must_be_above_each_of_the_four(country, verdict):
    recalls = dict.fromkeys(("metal", "pop", "rock"), 50) | {"country": country}
    judged = judge("C4", record(right=recalls))
    assert judged.verdict is verdict and f"country {country}.0%" in judged.found


@pytest.mark.parametrize(
    ("right", "wrong", "verdict"),
    [
        ({"pop": 40}, {("pop", "country"): 20, ("pop", "jazz"): 25, ("pop", "rock"): 15}, Verdict.REPRODUCED),
        ({"pop": 40}, {("pop", "country"): 20, ("pop", "rock"): 25, ("pop", "jazz"): 15}, Verdict.PARTLY),
        ({"rock": 30}, {("pop", "country"): 20, ("pop", "jazz"): 5}, Verdict.PARTLY),
        ({"rock": 30}, {("pop", "disco"): 20}, Verdict.NOT),
    ],
)
def test_pop_must_be_lowest_and_taken_for_country_and_jazz(right, wrong, verdict):
    assert judge("C5", record(right=right, wrong=wrong)).verdict is verdict


def test_confusions_are_added_over_runs():
    first, second = (
        record(right={"pop": 40}, wrong={("pop", "country"): country, ("pop", "jazz"): jazz, ("pop", "rock"): 6})
        for country, jazz in ((12, 3), (5, 11))
    )
    assert [judge("C5", made).verdict for made in (first, second)] == [Verdict.PARTLY, Verdict.PARTLY]
    assert judge("C5", first, second).verdict is Verdict.REPRODUCED  # country 17, jazz 14, rock 12


@pytest.mark.parametrize("claim", PAPER.claims.index[PAPER.claims["judged_by"] != "none"])
@pytest.mark.parametrize("made", [[], [record("cnn")], [record("vgg", protocol="tracks"), record("vgg_augmented", protocol="tracks")]])
def test_nothing_is_judged_from_missing_runs(claim, made):
    assert judge(claim, *made).verdict is Verdict.NOT_RUN


# Contradictions


@given(st.integers(2, 5), st.integers(1, 6), st.data())
def test_chance_of_no_sibling_is_that_of_drawing_without_replacement(n_clips, n_segments, data):
    n_items = n_clips * n_segments
    n_train = data.draw(st.integers(0, n_items - 1))
    chance = 1.0
    for i in range(n_segments - 1):
        chance *= max(n_items - 1 - n_train - i, 0) / (n_items - 1 - i)
    assert checks.chance_of_no_sibling(n_segments=n_segments, n_train=n_train, n_items=n_items) == pytest.approx(chance, abs=1e-12)


def test_a_leak_is_all_but_certain():
    assert 0 < checks.chance_of_no_sibling() < (4 / 14) ** 13 < 1e-7


@pytest.mark.parametrize("n_mels", [64, 128])
def test_librosa_gives_173_frames_and_as_many_bands_as_asked(n_mels):
    assert checks.shape_of_spectrogram(n_mels) == (n_mels, 173)
    assert replace(paper_experiments.LOG_MEL, n_mels=n_mels).shape == (173, n_mels)


def test_pop_is_hardest_in_one_of_seven_columns():
    others = checks.pop_in_the_other_papers()
    assert len(others) == 7
    assert list(others.index[others["place"] == 1]) == [("demarco_2024", "lstm_3s")]
    assert (others["lowest"] == "pop").sum() == 1


# Data set and augmentation


@pytest.fixture(scope="module")
def dataset():
    return experiments.get(PAPER.id, "vgg").dataset(Profile.SMOKE, None)


def few(dataset: Dataset, clips_per_genre: int = 3) -> Dataset:
    chosen = dataset.corpus.clips.groupby("genre").head(clips_per_genre).index
    return dataset.select(dataset.items["track_id"].isin(chosen).to_numpy())


def from_spectrograms(dataset: Dataset) -> Dataset:
    """Say of a data set that it was cut from spectrograms of whole clips, as in the profile lite."""
    return replace(dataset, feature={"source": "audio", "parameters": {"segment_s": None, "n_fft": 512}})


def test_an_item_is_a_segment_of_two_seconds(dataset):
    assert dataset.x.shape == (4 * len(dataset.corpus), 173, 64) and dataset.x.dtype == np.float32
    assert dataset.reductions == (paper_experiments.FEWER_SEGMENTS,)
    assert dataset.genres == checks.CLASSES


def test_lite_says_what_it_reduces(real_data):
    need(real_data, "gtzan_logmel.npz")
    lite = experiments.get(PAPER.id, "vgg").dataset(Profile.LITE, real_data)
    assert lite.x.shape == (14 * len(lite.corpus), 25, 64) and lite.x.dtype == np.float32
    assert lite.reductions == (paper_experiments.LONG_HOP, paper_experiments.HALVED)
    assert lite.feature["parameters"]["segment_s"] is None


def test_halved_bands_hold_the_power_of_both():
    log_mel = np.random.default_rng(0).uniform(-80, 0, (3, 5, 128)).astype(np.float32)
    halved = paper_experiments.halve_bands(log_mel)
    assert halved.shape == (3, 5, 64) and halved.dtype == np.float32
    assert np.allclose(np.power(10, halved / 10).sum(axis=-1), np.power(10, log_mel / 10).sum(axis=-1), rtol=1e-4)


@pytest.mark.parametrize("change", [lambda dataset: dataset, from_spectrograms], ids=["audio", "spectrograms"])
def test_augmentation_leaves_validation_and_test_alone(dataset, change):
    small = change(few(dataset))
    before, x = split(small.items, "as_published", **FRACTIONS), small.x.copy()
    augmented, after = paper_experiments.add_augmented(small, before, seed=0)
    n = len(small.items)
    assert np.array_equal(small.x, x) and np.array_equal(augmented.x[:n], x)
    assert np.array_equal(after.valid, before.valid) and np.array_equal(after.test, before.test)
    assert after.train.tolist() == [*before.train, *range(n, n + len(before.train))]
    assert (augmented.items["track_id"].iloc[n:].to_numpy() == small.items["track_id"].iloc[before.train].to_numpy()).all()
    after.guard(augmented.items)
    unchanged = (augmented.x[n:] == x[before.train]).all(axis=(1, 2)).mean()
    assert augmented.x.dtype == np.float32 and 0.05 < unchanged < 0.5


def test_augmented_splits_are_told_apart_and_keep_tracks_apart(dataset):
    before = split(dataset.items, "tracks", **FRACTIONS)
    augmented, after = paper_experiments.add_augmented(from_spectrograms(dataset), before, seed=0)
    after.guard(augmented.items)
    assert set(augmented.items["track_id"].iloc[after.train]).isdisjoint(dataset.items["track_id"].iloc[before.test])
    assert after.digest(augmented.items) != before.digest(dataset.items)


def test_augmentation_follows_from_the_seed(dataset):
    small = from_spectrograms(few(dataset))
    before = split(small.items, "as_published", **FRACTIONS)
    first, again, other = (paper_experiments.add_augmented(small, before, seed)[0].x for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_copies_of_audio_are_those_of_the_feature(dataset):
    small = few(dataset)
    before = split(small.items, "as_published", **FRACTIONS)
    augmented, _ = paper_experiments.add_augmented(small, before, seed=5)
    feature = augment.AugmentedLogMel(**small.feature["parameters"], seed=5)
    position = before.train[0]
    item = small.items.iloc[position]
    values = feature(audio.read(small.corpus.clips.loc[item["track_id"], "path"]))
    assert np.array_equal(augmented.x[len(small.items)], values[item["segment"]])


# Figures


def test_the_spectrogram_is_drawn_below_its_wave(dataset):
    samples = np.linspace(-1, 1, 2 * 22050, dtype=np.float32)
    figure = figures.wave_and_spectrogram(samples, dataset.x[0], title="a ramp")
    wave, spectrogram = figure.axes[:2]
    assert np.array_equal(wave.lines[0].get_ydata(), samples) and wave.get_title() == "a ramp"
    assert np.array_equal(spectrogram.images[0].get_array(), dataset.x[0].T)
    assert spectrogram.images[0].get_extent() == [0, 2, 0, 64]
    plt.close(figure)


def test_spectrograms_of_a_grid_share_one_scale(dataset):
    rows = {"first": {"a": dataset.x[0], "b": dataset.x[1] + 20}, "second": {"a": dataset.x[2], "b": dataset.x[3]}}
    figure = figures.spectrograms(rows, duration_s=2)
    drawn = [axis.images[0] for axis in figure.axes[:4]]
    assert len({image.get_clim() for image in drawn}) == 1
    assert drawn[0].get_clim()[1] == max(values.max() for row in rows.values() for values in row.values())
    assert np.array_equal(drawn[1].get_array(), rows["first"]["b"].T) and np.array_equal(drawn[2].get_array(), rows["second"]["a"].T)
    plt.close(figure)


def test_training_and_test_accuracy_lie_where_they_should():
    rows = [("cnn", "as_published", 0.9, 0.8), ("cnn", "tracks", 0.85, 0.5), ("vgg", "as_published", 1.0, 0.7)]
    figure = figures.training_against_test(pd.DataFrame(rows, columns=["model", "protocol", "training", "test"]))
    points = {line.get_label(): line for line in figure.axes[0].lines[1:]}
    assert list(points) == ["cnn", "cnn, tracks", "vgg"]
    assert points["cnn, tracks"].get_xydata().tolist() == [[0.85, 0.5]]
    assert points["cnn"].get_markerfacecolor() != "none" == points["cnn, tracks"].get_markerfacecolor()
    assert points["cnn"].get_marker() == points["cnn, tracks"].get_marker() != points["vgg"].get_marker()
    plt.close(figure)
