"""Figures of the chapter on Holst: pictures of sound, a table of accuracies, activations in two dimensions."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicgenre.evaluation import wilson
from musicgenre.features import LogMel
from musicgenre.features.images import colour_image
from musicgenre.plots import COLOURS, MARKERS

SHAPES = (*MARKERS, "<", ">", "*")  # ten, one a genre: a colour that stands twice has two shapes


def pictures(samples: np.ndarray, sizes: Sequence[tuple[int, int]], *, duration_s: float = 3) -> Figure:
    """Draw the log-mel spectrogram of a segment as one reads it, and as pictures for a network (Figure 1).

    Parameters
    ----------
    samples : numpy.ndarray
        Mono, at 22,050 Hz, at least ``duration_s`` long.
    sizes : sequence of tuple
        Height and width of each picture in pixels.
    duration_s : float
        Length of the segment in seconds.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    log_mel = LogMel(segment_s=duration_s, n_segments=1)(samples)[0]
    figure, axes = plt.subplots(1, 1 + len(sizes), figsize=(9.5, 3.4), gridspec_kw={"width_ratios": [1.35, *(1 for _ in sizes)]})
    image = axes[0].imshow(log_mel.T, origin="lower", aspect="auto", extent=(0, duration_s, 0, log_mel.shape[1]), interpolation="nearest")
    axes[0].set(title="spectrogram", xlabel="time (s)", ylabel="mel band")
    figure.colorbar(image, ax=axes[0], label="level (dB)")
    for axis, (height, width) in zip(axes[1:], sizes, strict=True):
        axis.imshow(colour_image(log_mel, (height, width)), interpolation="nearest")
        axis.set(title=f"picture, {height} × {width}", xlabel="pixel", ylabel="pixel")
    for axis in axes:
        axis.grid(False)
    return figure


def accuracies(table: pd.DataFrame, *, n_test: int, chance: float = 0.1) -> Figure:
    """Draw training, validation and test accuracy of each experiment, the last with its 95 % interval.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: names; columns ``train_accuracy`` and ``val_accuracy`` (fractions, or NaN) and ``accuracy`` (fractions).
    n_test : int
        Test items that the interval takes for independent.
    chance : float
        Accuracy of guessing.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    figure, axis = plt.subplots(figsize=(8, 0.4 * len(table) + 1))
    y = np.arange(len(table))
    tested = table["accuracy"].to_numpy(dtype=float)
    low, high = np.transpose([wilson(round(n_test * value), n_test) for value in tested])
    axis.errorbar(tested, y, xerr=[tested - low, high - tested], fmt="o", color=COLOURS[0], capsize=3, label="test, 95 % interval")
    others = (("val_accuracy", "s", COLOURS[1], "validation", 0.22), ("train_accuracy", "^", "black", "training", -0.22))
    for column, marker, colour, label, shift in others:
        axis.plot(table[column], y + shift, marker, markerfacecolor="none", color=colour, label=label)
    axis.axvline(chance, color="black", linestyle=":", linewidth=1)
    axis.text(chance, -0.6, " chance", fontsize=9, va="bottom")
    axis.set_yticks(y, table.index)
    axis.set(xlabel="accuracy (fraction)", xlim=(0, 1.02), ylim=(len(table) - 0.4, -0.7))
    axis.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def activations(panels: Mapping[str, Mapping[str, Sequence]], genres: Sequence[str]) -> Figure:
    """Draw activations that were reduced to two dimensions, one mark a picture (Figure 4).

    Parameters
    ----------
    panels : mapping
        Title of each panel and its pictures: ``genre`` (numbers), ``x`` and ``y``; ``test`` (bool), where some are of the training part:
        these are hollow.
    genres : sequence of str
        Names of the genres.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(1.8 + 3.8 * len(panels), 4.2), squeeze=False)
    for axis, (title, panel) in zip(axes[0], panels.items(), strict=True):
        table = pd.DataFrame(dict(panel))
        in_test = table.get("test", pd.Series(True, index=table.index)).to_numpy(dtype=bool)
        for number, genre in enumerate(genres):
            colour, shape = COLOURS[number % len(COLOURS)], SHAPES[number % len(SHAPES)]
            for chosen, fill in ((in_test, colour), (~in_test, "none")):
                points = table[chosen & (table["genre"] == number).to_numpy()]
                label = genre if fill == colour else None
                axis.scatter(points["x"], points["y"], s=24, marker=shape, facecolor=fill, edgecolor=colour, linewidth=0.8, label=label)
        axis.set(title=title, xlabel="t-SNE, first dimension", ylabel="t-SNE, second dimension", xticks=[], yticks=[])
    axes[0, -1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
