"""Checks of the claims and contradictions of Srivastava et al. Taught in the notebook ``06_srivastava_2022``."""

from itertools import accumulate, count

import numpy as np
import pandas as pd

from musicgenre import papers
from musicgenre.judgements import Judgement, Verdict, by_genre, listed, measure, of_experiment

PAPER = "srivastava_2022"
MODELS = ("cnn_gru", "cnn_lstm")
METRICS = ("precision", "recall", "f1")
TO_NEAREST = 0.005  # how far a printed figure of two digits may lie from the true one
AT_WILL = 0.01 - 1e-6  # rounded up or down as one likes, but never by a whole step


def both_above_quoted_cnn(records: pd.DataFrame) -> Judgement:
    """C1: the 95 % intervals of both models lie above the accuracy that the paper quotes for the CNN of Cheng et al."""
    quoted = papers.read(PAPER).comparisons.set_index("source")["value"].filter(like="Cheng").item()
    measured = {name: measure(of_experiment(records, PAPER, name)) for name in MODELS}
    above = all(value.low > quoted for value in measured.values())
    return Judgement(Verdict.REPRODUCED if above else Verdict.NOT, f"{listed(measured)}; quoted {quoted:.1%}")


def best_and_worst_genre(records: pd.DataFrame) -> Judgement:
    """C3: in both models classical has the highest mean F1 and rock the lowest."""
    extremes = {}
    for name in MODELS:
        f1 = by_genre(of_experiment(records, PAPER, name), "f1").mean()
        extremes[name] = (f1.idxmax(), f1.idxmin())
    found = ", ".join(f"{name}: best {best}, worst {worst}" for name, (best, worst) in extremes.items())
    right = set(extremes.values()) == {("classical", "rock")}
    return Judgement(Verdict.REPRODUCED if right else Verdict.NOT, found)


def printed_by_genre(experiment: str) -> pd.DataFrame:
    """Return Table III or IV: index ``genre``; columns ``precision``, ``recall``, ``f1``, fractions."""
    results = papers.read(PAPER).results
    rows = results[(results["experiment"] == experiment) & results["metric"].isin(METRICS)]
    return rows.pivot(index="genre", columns="metric", values="value")[list(METRICS)]


def counts_exist(n: int, precision: float, recall: float, f1: float, *, off_by: float = TO_NEAREST) -> bool:
    """Say whether a class of ``n`` test items can have three printed figures.

    All whole numbers of right answers, and of answers in all, are tried.

    Parameters
    ----------
    n : int
        Test items of the class.
    precision, recall, f1 : float
        As printed, fractions.
    off_by : float
        How far a printed figure may lie from the true one: ``TO_NEAREST`` or ``AT_WILL``.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    off_by += 1e-9  # a figure exactly between two may have been rounded either way
    hits, answers = np.arange(1, n + 1)[:, None], np.arange(1, 2 + int(n / (precision - off_by)))
    fits = (hits <= answers) & (abs(hits / n - recall) <= off_by) & (abs(hits / answers - precision) <= off_by)
    return bool((fits & (abs(2 * hits / (n + answers) - f1) <= off_by)).any())


def smallest_test_set(experiment: str, *, off_by: float = TO_NEAREST) -> pd.Series:
    """X1: find the fewest test items of each genre that Table III or IV needs; their sum is a lower bound of the test set.

    Parameters
    ----------
    experiment : str
        ``cnn_gru`` or ``cnn_lstm``.
    off_by : float
        See :func:`counts_exist`.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    smallest = {
        genre: next(n for n in count(1) if counts_exist(n, *row, off_by=off_by)) for genre, row in printed_by_genre(experiment).iterrows()
    }
    return pd.Series(smallest, name="test items").rename_axis(index="genre")


def printed_architecture(size: int, *, padding: str = "valid") -> list[int]:
    """X2 and X4: follow a number of frames or coefficients through the printed pools.

    Parameters
    ----------
    size : int
        Frames or coefficients that go in.
    padding : {"valid", "same"}
        Of the pooling. ``valid``, Keras' default, drops what does not fill a pool; ``same`` pads it. The convolutions keep the size.

    Returns
    -------
    list of int
        The size before the first pool and after each.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    pools = papers.read(PAPER).settings.set_index("setting")["value"]["pool_sizes"].iloc[0]
    return list(
        accumulate((pool for pool, _ in pools), lambda left, pool: left // pool if padding == "valid" else -(-left // pool), initial=size)
    )


def accuracy_against_mean_recall(experiment: str) -> pd.Series:
    """X3: compare the printed accuracy with the means of the printed recalls and precisions.

    In a test set with equally many items of each genre accuracy is the mean recall, whatever its size.

    Returns
    -------
    pandas.Series
        ``accuracy``, ``mean_recall``, ``mean_precision``; ``lowest`` and ``highest``, between which the mean recall lies, because
        recalls are printed to two digits; ``sd_200`` and ``sd_2000``: by how many standard deviations the accuracy exceeds the mean
        recall, if 200 tracks of 1,000, or 2,000 segments of 10,000, were drawn at random without regard to genre.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    table, accuracy = printed_by_genre(experiment), papers.read(PAPER).reported(experiment)
    recall = table["recall"].mean()
    found = {"accuracy": accuracy, "mean_recall": recall, "mean_precision": table["precision"].mean()}
    found |= {"lowest": recall - TO_NEAREST, "highest": recall + TO_NEAREST}
    for n in (200, 2000):
        sd = np.sqrt(table["recall"].var(ddof=0) / n * (5 * n - n) / (5 * n - 1))  # drawn without replacement
        found[f"sd_{n}"] = (accuracy - recall) / sd
    return pd.Series(found, name=experiment)
