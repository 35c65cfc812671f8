"""Scores of predictions, how certain they are, and what a finite test set can show.

Nothing here knows of models or files: everything is computed from labels, probabilities, counts or run records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95  # probability that an interval covers; one minus the false-alarm rate of a two-sided test
POWER = 0.8  # chance that a test sees a difference where there is one


def by_track(probabilities: np.ndarray, track_ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Average the probabilities of the segments of each track.

    Parameters
    ----------
    probabilities : numpy.ndarray
        One row a segment, one column a genre.
    track_ids : sequence of str
        The track of each segment.

    Returns
    -------
    tuple of numpy.ndarray
        The track ids in alphabetical order, and their mean probabilities.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    tracks, index = np.unique(np.asarray(track_ids, dtype=str), return_inverse=True)
    sums = np.zeros((len(tracks), probabilities.shape[1]))
    np.add.at(sums, index, probabilities)
    return tracks, sums / np.bincount(index)[:, None]


def scores_by_genre(counts: np.ndarray, genres: Sequence[str]) -> pd.DataFrame:
    """Compute precision, recall and F1 of each genre from confusion counts.

    Parameters
    ----------
    counts : numpy.ndarray
        As scikit-learn's ``confusion_matrix`` gives them: rows are true genres, columns predicted ones.
    genres : sequence of str
        Names of the rows.

    Returns
    -------
    pandas.DataFrame
        Index ``genre``; columns ``precision``, ``recall``, ``f1`` (fractions; 0 where nothing was predicted, as
        scikit-learn's ``zero_division=0``) and ``support`` (true items).

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    counts = np.asarray(counts)
    hits, predicted, support = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    table = {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(support, 1),
        "f1": 2 * hits / np.maximum(predicted + support, 1),
        "support": support,
    }
    return pd.DataFrame(table, index=pd.Index(list(genres), name="genre"))


def certainty(probabilities: np.ndarray) -> np.ndarray:
    """Compute how much likelier the first choice is than the second, as DeMarco et al. define it (section 6.2).

    Parameters
    ----------
    probabilities : numpy.ndarray
        One row an item, one column a genre.

    Returns
    -------
    numpy.ndarray
        ``log10(largest / second largest)`` of each item; 0 is a tie. Probabilities below the smallest normal float32 number
        count as that number, so that the value stays finite.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    top = np.sort(np.maximum(probabilities, np.finfo(np.float32).tiny), axis=1)
    return np.log10(top[:, -1] / top[:, -2])


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Compute the Wilson interval of a proportion: what ``successes`` of ``n`` independent tracks say of the true rate.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    interval = stats.binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def run_interval(
    correct: Sequence[np.ndarray],
    counts: Sequence[np.ndarray],
    *,
    n_test_sets: int,
    drawn: Literal["tracks", "segments"] = "tracks",
) -> tuple[float, float]:
    """Compute the interval in which the accuracy of one more run would fall: other seed, other test set from the same corpus.

    A paper's number comes from one run, and is compared with this prediction interval. Two variances enter: that of the finite
    test set and that between the runs. Where runs differ in their test sets, the variance between them holds that of the test set
    already, and the larger of the two counts. The mean is uncertain too: hence one n-th more for n test sets, or n runs on one.

    Parameters
    ----------
    correct, counts : sequence of numpy.ndarray
        For each run, the number of right segments and of all segments of each test track. Give ones as ``counts`` for scores by
        track.
    n_test_sets : int
        On how many different test sets the runs were tested: one for a fixed split, three for three folds.
    drawn : {"tracks", "segments"}
        What was drawn at random for the test set. Segments of a drawn track are one case together; segments that were drawn one
        by one are a case each, for one more run draws again from the same tracks.

    Returns
    -------
    tuple of float
        Lower and upper end, as fractions. They cover 95 % where accuracies spread as a normal distribution does and the runs are many,
        or differ by little more than the chance of the test set.

    Notes
    -----
    With few runs a wide spread between seeds is hardly known, with one not at all; the interval is too narrow then. Where seeds spread
    twice as far as the chance of the test set, those of two or three runs cover about 85 %.
    Taught in the notebook ``03_splits_and_leaks``.
    """
    low, high = np.clip(_of_one_more(correct, counts, n_test_sets, drawn), 0, 1)
    return float(low), float(high)


def difference_interval(gains: Sequence[np.ndarray], counts: Sequence[np.ndarray], *, n_test_sets: int) -> tuple[float, float]:
    """Compute the interval in which the difference of accuracy would fall for one more pair of runs, tested on one test set.

    Parameters
    ----------
    gains : sequence of numpy.ndarray
        For each pair of runs, how many more segments of each test track the first system has right than the second.
    counts, n_test_sets
        See :func:`run_interval`.

    Notes
    -----
    Tracks are the cases here even where segments were drawn: counts do not say which segments of a track both have right.
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    low, high = np.clip(_of_one_more(gains, counts, n_test_sets, "tracks"), -1, 1)
    return float(low), float(high)


def _of_one_more(correct: Sequence[np.ndarray], counts: Sequence[np.ndarray], n_test_sets: int, drawn: str) -> np.ndarray:
    """Lower and upper end of what one more run would give; ``correct`` may be negative, as a gain is."""
    runs = [(np.asarray(right), np.asarray(n)) for right, n in zip(correct, counts, strict=True)]
    accuracies = np.array([right.sum() / n.sum() for right, n in runs])
    of_test_set = np.mean([_cluster_variance(right, n) if drawn == "tracks" else _variance(right, n) for right, n in runs])
    on_one_set = n_test_sets == 1
    ddof = 1 if on_one_set else len(runs) / n_test_sets  # runs that share a test set tell of its chance but once
    between = accuracies.var(ddof=ddof) if len(runs) > 1 else 0.0
    variance = 2 * of_test_set + (1 + 1 / len(runs)) * between if on_one_set else (1 + 1 / n_test_sets) * max(of_test_set, between)
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance)
    return accuracies.mean() + np.array([-half, half])


def _cluster_variance(right: np.ndarray, n: np.ndarray) -> float:
    """Variance of the share of right segments, if tracks, with all of their segments, are drawn at random (Cochran 1977, section 6.4)."""
    if len(n) < 2:
        return np.nan
    residuals = right - n * right.sum() / n.sum()
    return float(np.sum(residuals**2) / n.sum() ** 2 * len(n) / (len(n) - 1))


def _variance(right: np.ndarray, n: np.ndarray) -> float:
    """Variance of the share of right segments, if segments are drawn at random, each on its own."""
    share = right.sum() / n.sum()
    return float(share * (1 - share) / (n.sum() - 1)) if n.sum() > 1 else np.nan


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> tuple[int, int, float]:
    """Test whether two systems differ, on the same tracks (McNemar's exact test).

    Parameters
    ----------
    right_a, right_b : numpy.ndarray
        Whether each system is right on each track, bool.

    Returns
    -------
    tuple
        Tracks that only A gets right, tracks that only B gets right, and the two-sided p-value.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)


def detectable_difference(n: int, accuracy: float) -> float:
    """Compute the smallest difference between two systems' accuracies that ``n`` unpaired test tracks can show, four times out of five.

    Parameters
    ----------
    n : int
        Test tracks of each system.
    accuracy : float
        Their common accuracy, as a fraction.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    z = stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(POWER)
    return float(z * np.sqrt(2 * accuracy * (1 - accuracy) / n))


def calibration(probabilities: np.ndarray, true: np.ndarray, n_bins: int = 10) -> pd.DataFrame:
    """Compare how sure a model says it is with how often it is right.

    Returns
    -------
    pandas.DataFrame
        One row a bin of equal width that holds items: ``confidence`` (mean largest probability), ``accuracy``, ``n``.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    confidence = probabilities.max(axis=1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": probabilities.argmax(axis=1) == true, "n": 1})
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return table.groupby(bins).agg({"confidence": "mean", "accuracy": "mean", "n": "sum"}).reset_index(drop=True)
