"""Checks of the claims and contradictions of Holst. Taught in the notebook ``09_holst_2021``."""

from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from musicgenre import papers, splits
from musicgenre.judgements import Judgement, Verdict, measure, of_experiment

PAPER = "holst_2021"
N_ITEMS, N_TRAIN, N_TEST, N_PER_TRACK = 10_000, 8_000, 1_000, 10


def gap_with_dropout(records: pd.DataFrame) -> Judgement:
    """C14: training minus validation accuracy is smaller with dropout (exp_4R) than without (exp_4_l2).

    Keras measures training accuracy with dropout at work, which favours the claim.
    """
    gaps = {}
    for name in ("exp_4_l2", "exp_4R"):
        found = of_experiment(records, PAPER, name)
        gaps[name] = measure(found, "train_accuracy").mean - measure(found, "val_accuracy").mean
    verdict = Verdict.REPRODUCED if gaps["exp_4R"] < gaps["exp_4_l2"] else Verdict.NOT
    text = ", ".join(f"{name} {100 * gap:+.1f} points" for name, gap in gaps.items())
    return Judgement(verdict, f"training minus validation accuracy: {text}")


#: X1, with the paper's numbers.
chance_of_no_sibling = partial(splits.chance_of_no_sibling, n_segments=N_PER_TRACK, n_train=N_TRAIN, n_items=N_ITEMS)


def sides(side: int, n_pairs: int, *, kernel: int = 3, padding: str = "valid", pool_stride: int = 2) -> list[int]:
    """X3: follow one side of a picture through pairs of convolution and 2 x 2 pooling.

    Parameters
    ----------
    side : int
        Height or width of the picture in pixels.
    n_pairs : int
        Pairs of convolution and pooling.
    kernel : int
        Side of the filters.
    padding : {"valid", "same"}
        Of the convolutions.
    pool_stride : int
        Step of the pooling; the paper prints 1.

    Returns
    -------
    list of int
        The side before the first layer and after each.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    found = [side]
    for _ in range(n_pairs):
        convolved = found[-1] - (kernel - 1 if padding == "valid" else 0)
        found += [convolved, (convolved - 2) // pool_stride + 1]
    return found


def parameter_counts(
    filters: tuple[int, ...], *, size: tuple[int, int] = (128, 128), kernel: int = 3, padding: str = "valid", pool_stride: int = 2
) -> int:
    """X2, X3 and X4: count the parameters of a convolutional network of the paper, from its layers alone.

    Parameters
    ----------
    filters : tuple of int
        Filters of each pair.
    size : tuple of int
        Height and width of the picture in pixels.
    kernel, padding, pool_stride
        See :func:`sides`.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    convolutions = sum((kernel**2 * inputs + 1) * outputs for inputs, outputs in pairwise((3, *filters)))
    height, width = (sides(side, len(filters), kernel=kernel, padding=padding, pool_stride=pool_stride)[-1] for side in size)
    return convolutions + (height * width * filters[-1] + 1) * 128 + (128 + 1) * 10


def gain_of_the_third_pair() -> dict[str, float]:
    """X5: compute what three pairs gain over two in the author's own numbers, as fractions.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    pairs = {
        "without regularisation": ("exp_4", "exp_3"),
        "with L2": ("exp_4_l2", "exp_3R"),
        "with L2, and dropout in the larger network alone": ("exp_4R", "exp_3R"),
    }
    reported = papers.read(PAPER).reported
    return {name: reported(three) - reported(two) for name, (three, two) in pairs.items()}


def missing_s(n_samples: int, sample_rate_hz: int = 22050) -> float:
    """X11: compute what the tenth segment of 3 s lacks, in seconds.

    Parameters
    ----------
    n_samples : int
        Length of the clip.
    sample_rate_hz : int
        Its sample rate.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    return max(0.0, 30 - n_samples / sample_rate_hz)


def sibling_factor() -> float:
    """X13: compute by how much standard errors grow at most because segments of one track are not independent.

    At worst the test segments of a track are all right or all wrong. A random tenth of the segments takes, beside each of its own,
    about 0.9 of the nine siblings.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    return float(np.sqrt(1 + splits.mean_siblings(n_segments=N_PER_TRACK, n_part=N_TEST, n_items=N_ITEMS)))


def standard_errors() -> pd.DataFrame:
    """X13 and X15: measure the differences that the paper claims in standard errors.

    Returns
    -------
    pandas.DataFrame
        Index ``claim``, those on a difference of accuracies; ``of``, ``over`` (experiments), ``difference`` and ``error`` (fractions;
        two independent test sets of 1,000 independent segments), ``errors`` (the first over the second) and ``errors_clustered``: the same
        with :func:`sibling_factor`.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    paper = papers.read(PAPER)
    rows = {}
    for claim_id, claim in paper.claims.to_dict("index").items():
        if claim["judged_by"] == "difference" and claim["metric"] == "accuracy":
            of, over = claim["difference"]["of"], claim["difference"]["over"]
            a, b = paper.reported(of), paper.reported(over)
            rows[claim_id] = {"of": of, "over": over, "difference": a - b, "error": np.sqrt((a * (1 - a) + b * (1 - b)) / N_TEST)}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="claim")
    table["errors"] = table["difference"] / table["error"]
    table["errors_clustered"] = table["errors"] / sibling_factor()
    return table
