"""Figures of the chapter on Xu et al. Taught in the notebook ``08_xu_2024``."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from musicgenre.plots import COLOURS, MARKERS


def wave_and_spectrogram(samples: np.ndarray, log_mel: np.ndarray, *, sample_rate_hz: int = 22050, title: str = "") -> Figure:
    """Draw a waveform above its log-mel spectrogram.

    Parameters
    ----------
    samples : numpy.ndarray
        Mono, (n_samples,).
    log_mel : numpy.ndarray
        dB, (n_frames, n_mels), of the same samples.
    sample_rate_hz : int
        Their sample rate.
    title : str
        What it is.
    """
    duration_s = len(samples) / sample_rate_hz
    figure, axes = plt.subplots(2, 1, figsize=(8, 5), sharex=True, height_ratios=(1, 2))
    axes[0].plot(np.arange(len(samples)) / sample_rate_hz, samples, linestyle="-", linewidth=0.5)
    axes[0].set(ylabel="amplitude", title=title)
    image = _spectrogram(axes[1], log_mel, duration_s)
    axes[1].set(xlabel="time (s)", ylabel="mel band")
    figure.colorbar(image, ax=axes[1], label="level (dB)", pad=0.01)
    return figure


def spectrograms(rows: Mapping[str, Mapping[str, np.ndarray]], *, duration_s: float) -> Figure:
    """Draw log-mel spectrograms in a grid, all on one scale.

    Parameters
    ----------
    rows : mapping
        Name of each row; in it the title of each column and a spectrogram in dB, (n_frames, n_mels).
    duration_s : float
        Duration of each.
    """
    columns = list(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=(3.1 * len(columns), 2.6 * len(rows)), sharex=True, sharey=True, squeeze=False
    )
    everything = [log_mel for row in rows.values() for log_mel in row.values()]
    high = max(log_mel.max() for log_mel in everything)
    low = max(high - 80, min(log_mel.min() for log_mel in everything))
    for line, (name, row) in zip(axes, rows.items(), strict=True):
        for axis, title in zip(line, columns, strict=True):
            image = _spectrogram(axis, row[title], duration_s, vmin=low, vmax=high)
        line[0].set_ylabel(f"{name}\nmel band")
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=11)
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    figure.colorbar(image, ax=axes, label="level (dB)", pad=0.01)
    return figure


def training_against_test(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the test accuracy of each model against its training accuracy; equal ones lie on the dotted line.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``model``, ``protocol`` (``as_published``, drawn filled, or another, drawn open), ``training`` and ``test`` (fractions).
    title : str
        Which runs these are.
    """
    figure, axis = plt.subplots(figsize=(7, 4.4))
    axis.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1)
    for colour, marker, (model, rows) in zip(COLOURS, MARKERS, table.groupby("model", sort=False), strict=False):
        for protocol, points in rows.groupby("protocol"):
            face, label = (colour, model) if protocol == "as_published" else ("none", f"{model}, {protocol.replace('_', ' ')}")
            style = {"color": colour, "markerfacecolor": face, "markersize": 9, "linestyle": ""}
            axis.plot(points["training"], points["test"], marker, label=label, **style)
    axis.set(xlabel="training accuracy (fraction)", ylabel="test accuracy (fraction)", xlim=(0, 1.02), ylim=(0, 1.02), title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _spectrogram(axis: Axes, log_mel: np.ndarray, duration_s: float, **limits: float) -> AxesImage:
    axis.grid(False)
    extent = (0, duration_s, 0, log_mel.shape[1])
    return axis.imshow(log_mel.T, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **limits)
