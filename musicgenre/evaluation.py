"""Scores of predictions, how certain they are, and what a finite test set can show.

Nothing here knows of models or files: everything is computed from labels, probabilities, counts or run records.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats


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


def confusion(true: np.ndarray, predicted: np.ndarray, n_genres: int) -> np.ndarray:
    """Count which genre was taken for which; as scikit-learn's ``confusion_matrix`` over all genres.

    Returns
    -------
    numpy.ndarray
        int64, (n_genres, n_genres); rows are true genres, columns predicted ones.
    """
    counts = np.zeros((n_genres, n_genres), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def scores_by_genre(counts: np.ndarray, genres: Sequence[str]) -> pd.DataFrame:
    """Compute precision, recall and F1 of each genre from confusion counts.

    Parameters
    ----------
    counts : numpy.ndarray
        As :func:`confusion` gives them.
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


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson interval of a proportion: what ``successes`` of ``n`` independent tracks say of the true rate.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def run_interval(
    correct: Sequence[np.ndarray], counts: Sequence[np.ndarray], *, level: float = 0.95, draws: int = 4000, seed: int = 0
) -> tuple[float, float]:
    """Compute the interval in which the accuracy of one more run would fall: other seed, other test tracks.

    A draw takes one of the runs, then as many of its test tracks as there are, with replacement, each track with all of its
    segments. So it covers the spread between seeds (and folds) and the finite test set; segments of one track are not taken
    for independent. A paper's number comes from one run, and is compared with this interval.

    Parameters
    ----------
    correct, counts : sequence of numpy.ndarray
        For each run, the number of right segments and of all segments of each test track. Give ones as ``counts`` for scores by
        track.
    level : float
        Probability that the interval covers.
    draws : int
        Bootstrap draws in all.
    seed : int
        Of the draws.

    Returns
    -------
    tuple of float
        Lower and upper end, as fractions.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    rng = np.random.default_rng(seed)
    share = -(-draws // len(correct))
    drawn = []
    for right, n in zip(correct, counts, strict=True):
        times = rng.multinomial(len(n), np.full(len(n), 1 / len(n)), size=share)
        drawn.append(times @ np.asarray(right) / (times @ np.asarray(n)))
    low, high = np.quantile(np.concatenate(drawn), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


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


def detectable_difference(n: int, accuracy: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Compute the smallest difference between two systems' accuracies that ``n`` unpaired test tracks can show.

    Parameters
    ----------
    n : int
        Test tracks of each system.
    accuracy : float
        Their common accuracy, as a fraction.
    level, power : float
        One minus the false-alarm rate (two-sided), and the chance to see the difference where there is one.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    z = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
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
