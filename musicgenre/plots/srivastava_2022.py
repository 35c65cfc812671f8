"""Figures of the chapter on Srivastava et al.: MFCCs step by step, a split segment by segment."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from musicgenre.features import spectral
from musicgenre.plots import COLOURS
from musicgenre.splits import PARTS, Split

SHADES = {"left_out": "#ffffff", "train": "#d9e2ec", "valid": "#E69F00", "test": "#10243f"}  # their lightness tells them apart in grey


def mfcc_derivation(samples: np.ndarray, *, sample_rate_hz: int = 22050, n_mfcc: int = 23) -> Figure:
    """Draw how MFCCs come about: samples, power spectrogram, log-mel spectrogram, coefficients (Figure 5).

    Parameters
    ----------
    samples : numpy.ndarray
        Mono, (n_samples,); a few seconds.
    sample_rate_hz : int
        Their sample rate.
    n_mfcc : int
        Coefficients to keep.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    duration_s = len(samples) / sample_rate_hz
    power = np.abs(spectral.stft(samples)) ** 2
    log_mel = spectral.power_to_db(spectral.melspectrogram(power, sample_rate_hz=sample_rate_hz, n_mels=128))
    mfcc = spectral.mfcc_from_log_mel(log_mel, n_mfcc)
    figure, axes = plt.subplots(4, 1, figsize=(8, 9), sharex=True)
    axes[0].plot(np.arange(len(samples)) / sample_rate_hz, samples, color=COLOURS[0], linestyle="-", linewidth=0.5)
    axes[0].set_ylabel("amplitude")
    axes[0].set_title("1  samples", loc="left")
    panels = (
        (spectral.power_to_db(power), sample_rate_hz / 2, "frequency (Hz)", "2  power of each frame: short-time Fourier transform", "dB"),
        (log_mel, log_mel.shape[1], "mel band", "3  power in mel bands, in decibels", "dB"),
        (mfcc, n_mfcc, "coefficient", f"4  cosine transform over the bands, first {n_mfcc} coefficients: MFCCs", "value"),
    )
    for axis, (values, top, label, title, unit) in zip(axes[1:], panels, strict=True):
        low, high = (values.min(), values.max()) if unit == "dB" else np.percentile(values[:, 1:], [1, 99])
        image = axis.imshow(
            values.T, origin="lower", aspect="auto", extent=(0, duration_s, 0, top), vmin=low, vmax=high, interpolation="nearest"
        )
        axis.set_ylabel(label)
        axis.set_title(title, loc="left")
        axis.grid(False)
        figure.colorbar(image, ax=axis, label=unit, extend="neither" if unit == "dB" else "both", pad=0.01)
    axes[-1].set(xlabel="time (s)", yticks=np.arange(0, n_mfcc, 5) + 0.5, yticklabels=range(0, n_mfcc, 5))
    return figure


def split_map(items: pd.DataFrame, splits: Mapping[str, Split], tracks: Sequence[str]) -> Figure:
    """Draw which segments of which clips are trained on, validated on and tested on (Figure 7).

    Parameters
    ----------
    items : pandas.DataFrame
        Items of a data set, with ``track_id`` and ``segment``.
    splits : mapping
        Splits of these items; a panel each.
    tracks : sequence of str
        The clips to draw, from top to bottom.

    Notes
    -----
    Taught in the notebook ``06_srivastava_2022``.
    """
    names = ("left_out", *PARTS)
    figure, axes = plt.subplots(1, len(splits), figsize=(4.2 * len(splits), 1.4 + 0.2 * len(tracks)), sharey=True, squeeze=False)
    for axis, (title, parts) in zip(axes[0], splits.items(), strict=True):
        part = np.zeros(len(items))
        for code, name in enumerate(names):
            part[getattr(parts, name)] = code
        table = items.assign(part=part).pivot(index="track_id", columns="segment", values="part").loc[list(tracks)]
        colours = ListedColormap([SHADES[name] for name in names])
        axis.pcolormesh(table.to_numpy(), cmap=colours, norm=BoundaryNorm(np.arange(len(names) + 1) - 0.5, colours.N), edgecolors="white")
        axis.set(title=title.replace("_", " "), xlabel="segment")
        axis.set_xticks(np.arange(table.shape[1]) + 0.5, table.columns + 1)
        axis.set_yticks(np.arange(len(table)) + 0.5, table.index, fontsize=8)
        axis.grid(False)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_ylabel("clip")
    labels = {"train": "training", "valid": "validation", "test": "test"}
    handles = [Patch(facecolor=SHADES[name], edgecolor="grey", label=label) for name, label in labels.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure
