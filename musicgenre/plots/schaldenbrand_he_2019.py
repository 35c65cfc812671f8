"""Figures of the chapter on Schaldenbrand & He: filters, curves of many models, differences between models."""

from collections.abc import Mapping, Sequence
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from musicgenre.plots import COLOURS, DASHES, MARKERS


def filters(log_mel: np.ndarray, *, width: int = 3, height: int = 16) -> Figure:
    """Draw a 1D and a 2D filter on the first frames of a spectrogram, where each starts and where it goes (Figure 2).

    Parameters
    ----------
    log_mel : numpy.ndarray
        In dB, (n_frames, n_mels); some thirty frames.
    width, height : int
        Frames of both filters, and mel bands of the 2D filter.

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    n_mels = log_mel.shape[1]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
    for axis, bands, title in zip(axes, (n_mels, height), ("1D", "2D"), strict=True):
        axis.imshow(log_mel.T, origin="lower", aspect="auto", cmap="Greys", interpolation="nearest")
        for lowest in range(0, n_mels, bands):
            own = {"edgecolor": COLOURS[1], "linewidth": 2.5} if lowest == 0 else {"edgecolor": COLOURS[0], "linewidth": 1.2}
            axis.add_patch(Rectangle((-0.5, lowest - 0.5), width, bands, facecolor=own["edgecolor"], alpha=0.25))
            axis.add_patch(Rectangle((-0.5, lowest - 0.5), width, bands, fill=False, **own))
            start, middle = width - 0.3, lowest + bands / 2
            axis.annotate("", (start + 4, middle), (start, middle), arrowprops={"arrowstyle": "-|>", "color": own["edgecolor"], "lw": 2})
        places = n_mels // bands
        numbers = f"{places} {'number' if places == 1 else 'numbers'} a frame from each filter"
        axis.set(title=f"{title}: filter of {bands} bands × {width} frames\n{numbers}", xlabel="frame")
        axis.set_yticks([*range(0, n_mels, height), n_mels])
        axis.grid(False)
    axes[0].set_ylabel("mel band")
    return figure


def by_epoch(
    histories: Mapping[str, Mapping[str, Sequence[float]]], *, part: Literal["training", "validation"], best_epochs: Mapping[str, int]
) -> Figure:
    """Draw loss and accuracy of several models by epoch, on one part of the data (Figures 4 and 5).

    Parameters
    ----------
    histories : mapping
        Name of each model and the history of its run, as :func:`musicgenre.experiments.training.fit` returns it.
    part : {"training", "validation"}
        Whose curves are drawn.
    best_epochs : mapping
        Epoch of each run whose weights were kept, from 1; a star.

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8))
    for axis, metric, unit in ((axes[0], "loss", "nats"), (axes[1], "accuracy", "fraction")):
        for i, (name, history) in enumerate(histories.items()):
            curve = np.asarray(history[metric if part == "training" else f"val_{metric}"])
            style = {"color": COLOURS[i], "linestyle": DASHES[i], "marker": MARKERS[i], "markevery": max(1, len(curve) // 8)}
            axis.plot(np.arange(1, len(curve) + 1), curve, label=name, markersize=5, **style)
            best = best_epochs[name]
            axis.plot(best, curve[best - 1], "*", color=COLOURS[i], markersize=14, markeredgecolor="black")
        axis.set(xlabel="epoch", ylabel=f"{part} {metric} ({unit})")
        axis.set_ylim(bottom=0)
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=9)
    return figure


def against_parameters(table: pd.DataFrame) -> Figure:
    """Draw the accuracy of each model against its number of parameters; hollow marks are models that the paper lacks.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: names of models; ``parameters``; ``paper``, ``mean``, ``low``, ``high``: fractions, NaN where there is none;
        ``two_dimensional`` and ``in_paper``: bool.

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    figure, axis = plt.subplots(figsize=(8.5, 4.4))
    for name, row in table.iterrows():
        colour, marker = (COLOURS[1], "s") if row["two_dimensional"] else (COLOURS[0], "o")
        spread = [[row["mean"] - row["low"]], [row["high"] - row["mean"]]]
        face = colour if row["in_paper"] else "white"
        axis.errorbar(row["parameters"], row["mean"], yerr=spread, fmt=marker, color=colour, markerfacecolor=face, capsize=3, linestyle="")
        axis.plot(row["parameters"], row["paper"], "*", color=colour, markersize=13, markeredgecolor="black")
        ends = np.array([row["paper"], row["low"], row["high"]], dtype=float)
        if not np.isnan(ends).all():  # names of the paper's models stand above, others below, so that those of equal size do not collide
            side = 1 if row["in_paper"] else -1
            place = {"xytext": (4, 8 * side), "textcoords": "offset points", "va": "bottom" if side > 0 else "top", "rotation": 20 * side}
            axis.annotate(name, (row["parameters"], np.nanmax(ends) if side > 0 else np.nanmin(ends)), fontsize=8, **place)
    axis.set(xscale="log", xlabel="parameters of the whole model", ylabel="accuracy (fraction)")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    handles = [
        axis.plot([], [], "o", color=COLOURS[0], label="1D")[0],
        axis.plot([], [], "s", color=COLOURS[1], label="2D")[0],
        axis.plot([], [], "o", color=COLOURS[0], markerfacecolor="white", label="not in the paper")[0],
        axis.plot([], [], "*", color="grey", markeredgecolor="black", markersize=12, label="paper")[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)
    axis.margins(x=0.2, y=0.3)
    return figure


def differences(table: pd.DataFrame) -> Figure:
    """Draw differences between pairs of models with their 95 % intervals, and the line of no difference.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a comparison, index: its name; ``points``, ``low``, ``high`` (percentage points) and ``paired`` (bool: the
        interval is of answers on the same tracks).

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    figure, axis = plt.subplots(figsize=(8.5, 1.2 + 0.36 * len(table)))
    y = np.arange(len(table))
    for paired, label in ((False, "printed accuracies, unpaired"), (True, "same test tracks, paired")):
        rows = (table["paired"] == paired).to_numpy()
        if rows.any():
            points, low, high = (table.loc[rows, column].to_numpy(dtype=float) for column in ("points", "low", "high"))
            style = {"color": COLOURS[0 if paired else 1], "marker": MARKERS[0 if paired else 1], "capsize": 3, "linestyle": ""}
            axis.errorbar(points, y[rows], xerr=[points - low, high - points], label=label, **style)
    axis.axvline(0, color="black", linewidth=1)
    axis.set_yticks(y, list(table.index))
    axis.set(xlabel="difference of accuracies (points)", ylim=(len(table) - 0.5, -0.5))
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
