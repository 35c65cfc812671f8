"""Scores: equal to scikit-learn's where it has them, and right where the answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from musicgenre import evaluation

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(labels)
def test_scores_by_genre_equal_scikit_learn(pairs):
    true, predicted = np.array(pairs).T
    ours = evaluation.scores_by_genre(confusion_matrix(true, predicted, labels=range(4)), "abcd")
    theirs = precision_recall_fscore_support(true, predicted, labels=range(4), zero_division=0)
    assert np.allclose(ours.T, theirs)


def test_by_track_averages_segments():
    tracks, means = evaluation.by_track(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.2, 0.8]]), ["b", "a", "b", "a"])
    assert tracks.tolist() == ["a", "b"]
    assert np.allclose(means, [[0.1, 0.9], [0.75, 0.25]])


def test_certainty_is_the_log_ratio_of_the_first_two():
    assert evaluation.certainty(np.array([[0.9, 0.09, 0.01], [0.25, 0.5, 0.25]])) == pytest.approx([1.0, np.log10(2)])
    assert np.isfinite(evaluation.certainty(np.array([[1.0, 0.0, 0.0]])))


def test_wilson_interval_of_a_known_case():
    # Wilson (1927): 8 of 10 gives 0.490 to 0.943
    assert evaluation.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@pytest.mark.parametrize("same_tracks", [True, False])
@pytest.mark.parametrize(
    ("n_runs", "spread", "least"),
    # Of one run, the spread between seeds is not known; of few it is hardly known, which shows where it is wide.
    [(1, 0.01, 0.9), (2, 0.01, 0.92), (3, 0.01, 0.92), (10, 0.01, 0.92), (2, 0.05, 0.8), (3, 0.05, 0.83), (10, 0.05, 0.9)],
)
def test_run_interval_covers_the_next_run_as_often_as_it_says(n_runs, spread, least, same_tracks):
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        rates = np.clip(rng.normal(0.6, spread, n_runs + 1), 0, 1)  # each seed gives a slightly better or worse system
        hardness = rng.random((n_runs + 1, 290))  # of each test track; a system is right where it is below its rate
        if same_tracks:
            hardness[:n_runs] = hardness[0]
        right = hardness < rates[:, None]
        n_test_sets = 1 if same_tracks else n_runs
        low, high = evaluation.run_interval(right[:n_runs], [np.ones(290)] * n_runs, n_test_sets=n_test_sets)
        covered += low <= right[n_runs].mean() <= high
    assert least <= covered / 1000 <= 0.98


def test_run_interval_takes_segments_of_a_track_as_one():
    right = np.tile([10, 0], 50)  # every track all right or all wrong: 100 independent cases, not 1000
    low, high = evaluation.run_interval([right], [np.full(100, 10)], n_test_sets=1)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2) * 0.05, rel=0.01)  # ours and the other run's: twice the variance


def test_run_interval_covers_the_spread_between_seeds():
    always, never = np.ones(100), np.zeros(100)
    assert evaluation.run_interval([always, never], [np.ones(100)] * 2, n_test_sets=2) == (0.0, 1.0)


@pytest.mark.parametrize("n_runs", [1, 3, 10])
def test_run_interval_covers_the_next_draw_of_segments_from_the_same_tracks(n_runs):
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for _ in range(500):
        rates = np.repeat(rng.random(1000), 10)  # segments of one track are right together more or less
        right = (rng.random(10_000) < rates).astype(int)
        draws = [rng.choice(10_000, 2_000, replace=False) for _ in range(n_runs + 1)]
        per_track = [(np.bincount(d // 10, right[d], 1000), np.bincount(d // 10, minlength=1000)) for d in draws]
        correct, counts = zip(*[(c[n > 0], n[n > 0]) for c, n in per_track], strict=True)
        low, high = evaluation.run_interval(correct[:n_runs], counts[:n_runs], n_test_sets=n_runs, drawn="segments")
        covered += low <= right[draws[n_runs]].mean() <= high
        widths.append(high - low)
    assert 0.95 <= covered / 500 <= 0.99  # a fifth of all segments is drawn: a little more certain than it says
    assert np.mean(widths) < 0.07


def test_run_interval_counts_folds_not_the_runs_on_them():
    rng = np.random.default_rng(0)
    folds = [rng.random(300) < rate for rate in (0.5, 0.6, 0.7)]
    once, often = (evaluation.run_interval(runs, [np.ones(300)] * len(runs), n_test_sets=3) for runs in (folds, folds * 6))
    assert often[1] - often[0] == pytest.approx(once[1] - once[0])


@pytest.mark.parametrize("n_pairs", [1, 3, 10])
def test_difference_interval_covers_the_next_pair_as_often_as_it_says(n_pairs):
    rng = np.random.default_rng(0)
    covered, paired_width, unpaired_width = 0, [], []
    for _ in range(500):
        hardness = rng.random((n_pairs + 1, 290))  # of each test track, for both systems
        a, b = ((np.abs(hardness + rng.normal(0, 0.1, hardness.shape)) < rate).astype(int) for rate in (0.65, 0.6))
        counts = [np.ones(290)] * n_pairs
        low, high = evaluation.difference_interval((a - b)[:n_pairs], counts, n_test_sets=n_pairs)
        covered += low <= a[n_pairs].mean() - b[n_pairs].mean() <= high
        paired_width.append(high - low)
        sides = [evaluation.run_interval(system[:n_pairs], counts, n_test_sets=n_pairs) for system in (a, b)]
        unpaired_width.append(np.hypot(*np.ptp(sides, axis=1)))
    assert 0.92 <= covered / 500 <= 0.99
    assert np.mean(paired_width) < 0.7 * np.mean(unpaired_width)  # what is hard for both does not count


def test_mcnemar_counts_where_only_one_is_right():
    a = np.array([True] * 8 + [False] * 2 + [True] * 5)
    b = np.array([False] * 8 + [True] * 2 + [True] * 5)
    only_a, only_b, p = evaluation.mcnemar(a, b)
    assert (only_a, only_b) == (8, 2)
    assert p == pytest.approx(0.109375)  # exact binomial, 2 of 10, two-sided
    assert evaluation.mcnemar(a, a) == (0, 0, 1.0)


def test_detectable_difference_agrees_with_simulation():
    n, accuracy = 290, 0.55
    difference = evaluation.detectable_difference(n, accuracy)
    rng = np.random.default_rng(1)
    a = rng.binomial(n, accuracy - difference / 2, 4000) / n
    b = rng.binomial(n, accuracy + difference / 2, 4000) / n
    pooled = (a + b) / 2
    seen = np.abs(a - b) > 1.96 * np.sqrt(2 * pooled * (1 - pooled) / n)
    assert seen.mean() == pytest.approx(0.8, abs=0.03)


def test_calibration_of_a_known_case():
    probabilities = np.array([[0.95, 0.05], [0.92, 0.08], [0.55, 0.45], [0.6, 0.4]])
    table = evaluation.calibration(probabilities, np.array([0, 1, 0, 0]))
    assert table["n"].tolist() == [1, 1, 2]
    assert table["accuracy"].tolist() == [1.0, 1.0, 0.5]
    assert table["confidence"].tolist() == pytest.approx([0.55, 0.6, 0.935])
    certain = evaluation.calibration(np.array([[1.0, 0.0], [0.92, 0.08]]), np.array([0, 1]))
    assert certain["n"].tolist() == [2]  # certainty falls into the last bin
