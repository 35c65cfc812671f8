"""Figures of the chapter on DeMarco, Martz & Ta. Taught in the notebook ``04_demarco_2024``."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicgenre.plots import COLOURS, MARKERS


def sequence(values: np.ndarray, names: Sequence[str], *, slice_s: float) -> Figure:
    """Draw the feature vectors of a clip's slices, one column a slice: what an LSTM reads from left to right.

    Parameters
    ----------
    values : numpy.ndarray
        (n_slices, n_features), each feature brought to zero mean and unit variance over a corpus.
    names : sequence of str
        Names of the features; every fourth is written.
    slice_s : float
        Length of a slice in seconds.
    """
    figure, axis = plt.subplots(figsize=(7, 5.2))
    end_s = slice_s * len(values)
    image = axis.imshow(values.T, aspect="auto", cmap="PuOr", vmin=-3, vmax=3, extent=(0, end_s, len(names), 0), interpolation="nearest")
    axis.set_yticks(np.arange(0, len(names), 4) + 0.5, names[::4], fontsize=8)
    axis.set_xticks(np.arange(len(values) + 1) * slice_s)
    axis.set(xlabel="time (s)", ylabel="feature (every fourth is named)")
    axis.grid(False)
    figure.colorbar(image, label="standard deviations from the mean of the corpus")
    return figure


def brightness(centroids_hz: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the mean spectral centroid of each genre, the darkest at the bottom; classical and metal are hatched.

    Parameters
    ----------
    centroids_hz : mapping
        Title of each panel and its centroids by genre in Hz.
    """
    figure, axes = plt.subplots(1, len(centroids_hz), figsize=(4.5 * len(centroids_hz), 3.8), squeeze=False)
    for axis, (title, values) in zip(axes[0], centroids_hz.items(), strict=True):
        ordered = pd.Series(values, dtype=float).sort_values()
        bars = axis.barh(list(ordered.index), ordered.to_numpy(), color="lightgrey", edgecolor="black")
        for genre, bar in zip(ordered.index, bars, strict=True):
            if genre in ("classical", "metal"):
                bar.set(hatch="///", facecolor=COLOURS[4 if genre == "classical" else 1])
        axis.set(xlabel="mean spectral centroid (Hz)", title=title)
    return figure


def accuracy_by_epoch(
    histories: Mapping[str, Sequence[Mapping]], *, tested: Mapping[str, Sequence[float]], printed: Mapping[str, float]
) -> Figure:
    """Redraw Figure 1: accuracy by epoch, training solid and validation dashed, the mean over runs within their range.

    Parameters
    ----------
    histories : mapping
        Name of each panel and the histories of its runs; an empty panel says that there are none.
    tested : mapping
        Test accuracies of these runs, drawn at the last epoch.
    printed : mapping
        The paper's test accuracy, a dotted line.
    """
    figure, axes = plt.subplots(1, len(histories), figsize=(9.5, 3.6), sharey=True, squeeze=False)
    for axis, (name, found) in zip(axes[0], histories.items(), strict=True):
        axis.axhline(printed[name], color="black", linestyle=":", label="test, paper")
        axis.set(title=name, xlabel="epoch", ylim=(0, 1.02))
        if not found:
            axis.text(0.5, 0.5, "not run yet", transform=axis.transAxes, ha="center")
            continue
        for key, dash, colour, label in (("accuracy", "-", COLOURS[0], "training"), ("val_accuracy", "--", COLOURS[1], "validation")):
            curves = np.array([history[key] for history in found])
            epochs = np.arange(1, curves.shape[1] + 1)
            axis.plot(epochs, curves.mean(axis=0), dash, color=colour, label=label)
            axis.fill_between(epochs, curves.min(axis=0), curves.max(axis=0), color=colour, alpha=0.2)
        axis.plot(np.full(len(found), epochs[-1]), tested[name], "D", color="black", markersize=5, linestyle="", label="test, ours")
    axes[0, 0].set_ylabel("accuracy (fraction)")
    axes[0, -1].legend(fontsize=8, loc="lower right")
    return figure


def certainty_against_recall(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the mean certainty of each genre against its recall.

    Parameters
    ----------
    tables : mapping
        Title of each panel and its table: index genre, columns ``certainty`` and ``recall`` (a fraction).
    """
    figure, axes = plt.subplots(1, len(tables), figsize=(4.7 * len(tables), 4), sharey=True, squeeze=False)
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        axis.plot(table["certainty"], table["recall"], "o", linestyle="", color=COLOURS[0])
        for genre, row in table.iterrows():
            axis.annotate(genre, (row["certainty"], row["recall"]), xytext=(4, 3), textcoords="offset points", fontsize=9)
        axis.set(xlabel="mean certainty (powers of ten)", title=title, ylim=(0, 1.08))
        axis.margins(x=0.2)
    axes[0, 0].set_ylabel("recall (fraction)")
    return figure


def reliability(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how often a model is right against how sure it says it is.

    Parameters
    ----------
    tables : mapping
        Name of each line and its table, as :func:`musicgenre.evaluation.calibration` gives it.
    """
    figure, axis = plt.subplots(figsize=(5, 4.4))
    axis.plot([0, 1], [0, 1], color="black", linestyle=":", label="calibrated")
    for (name, table), colour, marker in zip(tables.items(), COLOURS, MARKERS, strict=False):
        axis.plot(table["confidence"], table["accuracy"], color=colour, linestyle="-", label=name)
        axis.scatter(table["confidence"], table["accuracy"], s=10 + 4 * table["n"], color=colour, marker=marker, alpha=0.7)
    axis.set(xlabel="mean largest probability", ylabel="accuracy (fraction)", xlim=(0, 1.02), ylim=(-0.02, 1.02))
    axis.legend(loc="upper left")
    return figure


def origin_of_rows(panels: Mapping[str, np.ndarray], in_test: Mapping[int, bool]) -> Figure:
    """Draw of which clip each row of each sequence is; rows of clips that are tested in the clean split are dark.

    Parameters
    ----------
    panels : mapping
        Title of each panel and the clip numbers of its rows, (n_sequences, n_rows).
    in_test : mapping
        Whether a clip, by its number, is in the test part.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9.5, 3.6), sharey=True, squeeze=False)
    for axis, (title, clips) in zip(axes[0], panels.items(), strict=True):
        tested = np.vectorize(in_test.get)(clips)
        axis.imshow(tested, cmap="Greys", vmin=0, vmax=1.4, aspect="auto")
        for (row, column), clip in np.ndenumerate(clips):
            axis.text(column, row, clip, ha="center", va="center", fontsize=7, color="white" if tested[row, column] else "black")
        axis.set(title=title, xlabel="row of the sequence")
        axis.grid(False)
    axes[0, 0].set_ylabel("sequence")
    return figure


def mixing(accuracies: pd.DataFrame, *, reference: Mapping[str, float]) -> Figure:
    """Draw the accuracies of clean and mixed sequences with their intervals.

    Parameters
    ----------
    accuracies : pandas.DataFrame
        Index: what was done to the rows; columns ``mean``, ``low``, ``high``, fractions; NaN where there are no runs.
    reference : mapping
        The paper's numbers by name, dotted lines.
    """
    figure, axis = plt.subplots(figsize=(7, 2 + 0.4 * len(accuracies)))
    mean, low, high = (accuracies[column].to_numpy(dtype=float) for column in ("mean", "low", "high"))
    y = np.arange(len(accuracies))[::-1]
    axis.errorbar(mean, y, xerr=[mean - low, high - mean], fmt="o", color=COLOURS[0], capsize=4, linestyle="")
    for name, value in reference.items():
        axis.axvline(value, color="black", linestyle=":", linewidth=1)
        axis.text(value, len(accuracies) - 0.3, name, rotation=90, fontsize=8, ha="center", va="bottom")
    axis.set_yticks(y, list(accuracies.index))
    axis.set(xlabel="accuracy by sequence (fraction)", xlim=(0.4, 1.02), ylim=(-0.6, len(accuracies) - 0.4))
    return figure
