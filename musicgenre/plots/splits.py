"""Figures of splits: who is in which part, what leaks, and what a finite test set can show."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from musicgenre.evaluation import detectable_difference
from musicgenre.plots import COLOURS, DASHES, MARKERS
from musicgenre.splits import PARTS, Split

PART_COLOURS = {"left out": "#FFFFFF", "train": "#D9D9D9", "valid": "#E69F00", "test": "#0072B2"}  # light to dark, also in grey
SHADES = ("#000000", "#0072B2", "#9CC9E3", "#E8E8E8")


def parts(items: pd.DataFrame, splits: Sequence[Split], track_ids: Sequence[str]) -> Figure:
    """Draw which segments of some tracks are in which part: a row a track, in the order of the artists, a column a segment.

    Parameters
    ----------
    items : pandas.DataFrame
        Of the data set that was split; see :class:`musicgenre.experiments.Dataset`.
    splits : sequence of Split
        One panel each.
    track_ids : sequence of str
        The tracks to draw.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    chosen = items[items["track_id"].isin(track_ids)]
    rows = chosen.groupby("track_id")["artist"].first().sort_values(kind="stable")
    figure, axes = plt.subplots(1, len(splits), figsize=(9.6, 1.3 + 0.24 * len(rows)), sharey=True, squeeze=False)
    shades = ListedColormap(list(PART_COLOURS.values()))
    for axis, split in zip(axes[0], splits, strict=True):
        code = pd.Series(0, index=items.index)
        for i, part in enumerate(PARTS, start=1):
            code.iloc[getattr(split, part)] = i
        grid = chosen.assign(code=code).pivot(index="track_id", columns="segment", values="code").loc[rows.index[::-1]]
        axis.pcolormesh(grid.to_numpy(), cmap=shades, vmin=0, vmax=3, edgecolors="white", linewidth=0.5)
        for border in np.flatnonzero(rows.to_numpy()[1:] != rows.to_numpy()[:-1]):
            axis.axhline(len(rows) - border - 1, color="black", linewidth=0.8)
        axis.set(title=split.protocol.replace("_", " "), xlabel="segment", xticks=[])
        axis.grid(False)
    labels = [f"{track_id}  {artist}" for track_id, artist in rows.items()]
    axes[0, 0].set_yticks(np.arange(len(rows)) + 0.5, labels[::-1], fontsize=9)
    handles = [Patch(facecolor=colour, edgecolor="grey", label=name) for name, colour in PART_COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)
    return figure


def neighbours(shares: pd.DataFrame) -> Figure:
    """Draw, for each protocol, what the nearest training segment of a test segment is.

    Parameters
    ----------
    shares : pandas.DataFrame
        Index: protocols; columns: kinds of neighbour, from the closest kin on; fractions that add up to one.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    figure, axis = plt.subplots(figsize=(8, 0.9 + 0.5 * len(shares)))
    left = np.zeros(len(shares))
    for colour, (kind, values) in zip(SHADES, shares.items(), strict=False):
        bars = axis.barh(range(len(shares)), values, left=left, color=colour, edgecolor="black", linewidth=0.5, label=kind)
        texts = [f"{value:.0%}" if value >= 0.05 else "" for value in values]
        axis.bar_label(bars, texts, label_type="center", fontsize=9, color="white" if colour in SHADES[:2] else "black")
        left += values.to_numpy()
    axis.set_yticks(range(len(shares)), [name.replace("_", " ") for name in shares.index])
    axis.invert_yaxis()
    axis.set(xlabel="share of test segments", xlim=(0, 1))
    axis.grid(False)
    axis.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4)
    return figure


def heard_artists(by_genre: pd.DataFrame, *, overall: float) -> Figure:
    """Draw the share of test tracks whose artist is also in training, genre by genre.

    Parameters
    ----------
    by_genre : pandas.DataFrame
        Index ``genre``, columns ``mean``, ``min`` and ``max`` over splits, fractions.
    overall : float
        The mean over all test tracks, drawn as a line.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    table = by_genre.sort_values("mean")
    figure, axis = plt.subplots(figsize=(7.5, 3.6))
    spread = [table["mean"] - table["min"], table["max"] - table["mean"]]
    axis.barh(table.index, table["mean"], xerr=spread, color="#9CC9E3", edgecolor="black", linewidth=0.5, ecolor="black", capsize=3)
    axis.axvline(overall, color="black", linestyle="--", linewidth=1)
    axis.text(overall, len(table) - 0.4, f"all genres: {overall:.0%}", ha="center", va="bottom", fontsize=9)
    axis.set(xlabel="share of test tracks whose artist is in training", xlim=(0, 1.02))
    axis.grid(False, axis="y")
    return figure


def detectable(sizes: Mapping[str, int], accuracies: Sequence[float] = (0.55, 0.75, 0.9)) -> Figure:
    """Draw the smallest difference that test sets of different sizes can show (80 % power, 5 % false alarms).

    Parameters
    ----------
    sizes : mapping
        Names and numbers of test tracks that are marked.
    accuracies : sequence of float
        One curve each.

    Notes
    -----
    Taught in the notebook ``03_splits_and_leaks``.
    """
    n = np.geomspace(20, 10_000, 100)
    figure, axis = plt.subplots(figsize=(7.5, 3.8))
    for i, accuracy in enumerate(accuracies):
        points = 100 * np.array([detectable_difference(size, accuracy) for size in n])
        style = {"color": COLOURS[i], "linestyle": DASHES[i], "marker": MARKERS[i], "markevery": (5 * i, 20)}
        axis.plot(n, points, label=f"accuracy {accuracy:.0%}", **style)
    for name, size in sizes.items():
        axis.axvline(size, color="grey", linestyle=":", linewidth=1)
        axis.text(size, 1.05, f"{name} ({size})", rotation=90, ha="right", va="bottom", fontsize=9)
    axis.set(xscale="log", yscale="log", xlabel="test tracks of each system", ylabel="detectable difference (points)", ylim=(1, 62))
    for ticks, values in ((axis.xaxis, (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)), (axis.yaxis, (1, 2, 5, 10, 20, 50))):
        ticks.set_ticks(values, [f"{value:,}" for value in values])
    axis.minorticks_off()
    axis.legend(fontsize=9)
    return figure
