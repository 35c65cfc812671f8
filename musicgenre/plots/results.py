"""Figures of models, training runs and their scores."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from musicgenre.plots import COLOURS, DASHES, MARKERS
from musicgenre.splits import PROTOCOLS


def architecture(model) -> Figure:
    """Draw a sequential model from its input to its output: layers, shapes of what they give, parameters (Figure 6).

    Parameters
    ----------
    model : keras.Sequential
        Built.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    height = 0.36
    figure, axis = plt.subplots(figsize=(8, height * (len(model.layers) + 2)))
    axis.set(xlim=(0, 10), ylim=(-len(model.layers) - 0.6, 1.4))
    axis.axis("off")
    for x, text, align in ((2.2, "layer", "center"), (6.6, "what it gives", "center"), (9.9, "parameters", "right")):
        axis.text(x, 0.9, text, ha=align, va="center", weight="bold")
    rows = [("Input", "#ffffff", model.input_shape, None)]
    rows += [(_describe(layer), _colour(layer), layer.output.shape, layer.count_params()) for layer in model.layers]
    for i, (text, colour, shape, n_parameters) in enumerate(rows):
        axis.add_patch(
            FancyBboxPatch(
                (0.1, -i - 0.34),
                4.3,
                0.68,
                boxstyle="round,pad=0.02,rounding_size=0.12",
                facecolor=colour,
                edgecolor="black",
                linewidth=0.8,
            )
        )
        axis.text(2.25, -i, text, ha="center", va="center", fontsize=10)
        axis.text(6.6, -i, " × ".join(f"{n:,}" for n in shape[1:]), ha="center", va="center", fontsize=10)
        axis.text(9.9, -i, f"{n_parameters:,}" if n_parameters else "", ha="right", va="center", fontsize=10)
        if i:
            axis.annotate(
                "", (2.25, -i + 0.33), (2.25, -i + 0.67), arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
            )
    return figure


def _colour(layer) -> str:
    kind = type(layer).__name__
    return {"Conv2D": "#a6cee3", "GRU": "#f6c79a", "LSTM": "#f6c79a", "Dense": "#b7e0cf"}.get(kind, "#f2f2f2")


def _describe(layer) -> str:
    """Name a layer with the settings that a paper would print."""
    config, kind = layer.get_config(), type(layer).__name__
    if kind == "Conv2D":
        size, stride = (" × ".join(map(str, config[name])) for name in ("kernel_size", "strides"))
        moved = "" if stride == "1 × 1" else f", stride {stride}"
        return f"Conv2D {size}{moved}, {config['filters']} filters, {config['activation']}"
    if kind == "MaxPooling2D":
        return f"MaxPooling2D {' × '.join(map(str, config['pool_size']))}, {config['padding']}"
    detail = {"Dropout": "rate", "GRU": "units", "LSTM": "units", "Dense": "units"}.get(kind)
    return f"{kind} {config[detail]}" if detail else kind


def curves(histories: Mapping[str, Mapping[str, Sequence[float]]], *, best_epochs: Mapping[str, int] | None = None) -> Figure:
    """Draw loss and accuracy against the epoch, training solid and validation dashed.

    Parameters
    ----------
    histories : mapping
        Name of each run and its history, as :func:`musicgenre.experiments.training.fit` returns it.
    best_epochs : mapping, optional
        Epoch of each run that is marked on its validation curves, from 1.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for axis, metric, label in ((axes[0], "loss", "cross-entropy loss (nats)"), (axes[1], "accuracy", "accuracy (fraction)")):
        for i, (name, history) in enumerate(histories.items()):
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            epochs = np.arange(1, len(history[metric]) + 1)
            every = max(1, len(epochs) // 8)
            style = {"color": colour, "marker": marker, "markevery": every, "markersize": 4}
            axis.plot(epochs, history[metric], "-", label=f"{name}, training", **style)
            axis.plot(epochs, history[f"val_{metric}"], "--", label=f"{name}, validation", **style)
            if best_epochs:
                best = best_epochs[name]
                axis.plot(best, history[f"val_{metric}"][best - 1], "*", color=colour, markersize=13, markeredgecolor="black")
        axis.set(xlabel="epoch", ylabel=label)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[1].set_ylim(0, 1.02)
    axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def confusion(counts: np.ndarray, genres: Sequence[str], *, title: str = "") -> Figure:
    """Draw a confusion matrix: counts in the cells, shares of the true genre as shades.

    Parameters
    ----------
    counts : numpy.ndarray
        As scikit-learn's ``confusion_matrix`` gives them.
    genres : sequence of str
        Names of rows and columns.
    title : str
        What was tested, and under which profile and protocol.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axis = plt.subplots(figsize=(6.4, 5.6))
    image = axis.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            axis.text(
                column,
                row,
                f"{counts[row, column]:g}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shares[row, column] > 0.5 else "black",
            )
    axis.set_xticks(range(len(genres)), genres, rotation=45, ha="right")
    axis.set_yticks(range(len(genres)), genres)
    axis.set(xlabel="predicted genre", ylabel="true genre", title=title)
    axis.grid(False)
    figure.colorbar(image, label="share of the true genre", shrink=0.8)
    return figure


def ladder(
    table: pd.DataFrame, *, reference: Mapping[str, float] | None = None, chance: float = 0.1, ceiling: float | None = None
) -> Figure:
    """Draw the leak ladder: the accuracy of each system on each rung, with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: systems; columns (protocol, ``mean`` | ``low`` | ``high``), fractions; as :func:`musicgenre.tables.beside` gives it.
    reference : mapping, optional
        The paper's number for a system, drawn as a star at the left edge.
    chance : float
        Accuracy of guessing, drawn as a dotted line.
    ceiling : float, optional
        Share of right labels, drawn as a dashed line.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    rungs = [protocol for protocol in PROTOCOLS if (protocol, "mean") in table.columns]
    figure, axis = plt.subplots(figsize=(8, 4.5))
    width = 0.6 / max(len(table), 1)
    for i, (name, row) in enumerate(table.iterrows()):
        x = np.arange(len(rungs)) + (i - (len(table) - 1) / 2) * width
        mean, low, high = (np.array([row[(rung, column)] for rung in rungs], dtype=float) for column in ("mean", "low", "high"))
        colour = COLOURS[i % len(COLOURS)]
        axis.errorbar(
            x, mean, yerr=[np.maximum(mean - low, 0), np.maximum(high - mean, 0)], label=name, color=colour, capsize=3,
            linestyle=DASHES[i % len(DASHES)], marker=MARKERS[i % len(MARKERS)],
        )  # fmt: skip
        if reference and not np.isnan(reference.get(name, np.nan)):
            axis.plot(-0.55, reference[name], "*", color=colour, markersize=12, markeredgecolor="black")
    axis.axhline(chance, color="black", linestyle=":", linewidth=1)
    axis.text(len(rungs) - 0.5, chance, "chance", va="bottom", ha="right", fontsize=9)
    if ceiling:
        axis.axhline(ceiling, color="black", linestyle="--", linewidth=1)
        axis.text(len(rungs) - 0.5, ceiling, "label ceiling", va="bottom", ha="right", fontsize=9)
    axis.set_xticks(range(len(rungs)), [rung.replace("_", " ") for rung in rungs])
    axis.set(
        xlabel="protocol: what training and test share, most to least",
        ylabel="accuracy (fraction)",
        ylim=(0, 1.02),
        xlim=(-0.7, len(rungs) - 0.4),
    )
    axis.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def ladders(
    table: pd.DataFrame, *, reference: pd.Series, chance: Mapping[str, float], ceiling: Mapping[str, float] | None = None
) -> Figure:
    """Draw the leak ladders of many systems, a row a system and a panel a group: accuracy on each rung with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: group and system; columns (protocol, ``mean`` | ``low`` | ``high``), fractions.
    reference : pandas.Series
        The papers' numbers by group and system, drawn as stars; NaN where there is none.
    chance : mapping
        Accuracy of guessing in each group, drawn as a dotted line.
    ceiling : mapping, optional
        Share of right labels where it is known, drawn as a dashed line.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    groups = list(dict.fromkeys(table.index.get_level_values(0)))
    sizes = [len(table.loc[group]) for group in groups]
    figure, axes = plt.subplots(len(groups), 1, figsize=(8, 0.34 * sum(sizes) + 0.55 * len(groups) + 0.8), sharex=True, squeeze=False,
                                height_ratios=[size + 0.6 for size in sizes])  # fmt: skip
    for axis, group in zip(axes[:, 0], groups, strict=True):
        part = table.loc[group]
        y = np.arange(len(part))
        for i, rung in enumerate(rung for rung in PROTOCOLS if (rung, "mean") in part.columns):
            mean, low, high = (part[(rung, column)].to_numpy(dtype=float) for column in ("mean", "low", "high"))
            axis.errorbar(
                mean, y + 0.16 * (i - 1.5), xerr=[np.maximum(mean - low, 0), np.maximum(high - mean, 0)], label=rung.replace("_", " "),
                color=COLOURS[i], marker=MARKERS[i], markersize=5, linestyle="none", elinewidth=1, capsize=0,
            )  # fmt: skip
        axis.plot(reference.reindex(table.index).loc[group], y, "*", color="white", markersize=11, markeredgecolor="black", label="paper")
        axis.axvline(chance[group], color="black", linestyle=":", linewidth=1, label="chance")
        if ceiling and group in ceiling:
            axis.axvline(ceiling[group], color="black", linestyle="--", linewidth=1, label="label ceiling")
        axis.set_yticks(y, part.index)
        axis.set(ylim=(len(part) - 0.4, -0.6), xlim=(0, 1), title=group)
        axis.title.set(fontsize=11, ha="left", position=(0, 1))
        axis.grid(axis="y", visible=False)
    axes[-1, 0].set_xlabel("accuracy by segment (fraction)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9)
    return figure


def own_and_new(table: pd.DataFrame, *, ceiling: float) -> Figure:
    """Draw accuracies on a rung's own test part beside those on new music, a panel a rung and a row a system.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: systems; columns (protocol, ``own test part`` | ``new music``), fractions.
    ceiling : float
        Share of right labels in the test parts, drawn as a dashed line.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    rungs = list(dict.fromkeys(table.columns.get_level_values(0)))
    figure, axes = plt.subplots(1, len(rungs), figsize=(9, 0.4 * len(table) + 1.6), sharex=True, sharey=True, squeeze=False)
    axes, y = axes[0], np.arange(len(table))
    for axis, rung in zip(axes, rungs, strict=True):
        own, new = (table[(rung, column)] for column in ("own test part", "new music"))
        axis.hlines(y, np.minimum(own, new), np.maximum(own, new), color="grey", linewidth=2)
        axis.plot(own, y, "o", color=COLOURS[0], label="own test part", linestyle="none")
        axis.plot(new, y, "s", color=COLOURS[1], markerfacecolor="white", label="new music", linestyle="none")
        axis.axvline(ceiling, color="black", linestyle="--", linewidth=1, label="label ceiling")
        axis.set(title=rung.replace("_", " "), xlim=(0.4, 1))
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(y, table.index)
    axes[0].invert_yaxis()
    figure.supxlabel("accuracy by segment (fraction)", fontsize=11)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9)
    return figure
