"""Figures of corpora: what clips look like, who plays, and which pairs of clips are alike."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musicgenre.plots import COLOURS, MARKERS


def spectrograms(log_mel: Mapping[str, np.ndarray], *, duration_s: float, sample_rate_hz: int = 22050) -> Figure:
    """Draw log-mel spectrograms side by side, all on one scale.

    Parameters
    ----------
    log_mel : mapping
        Title of each panel, and its values in dB, shape (n_frames, n_mels).
    duration_s : float
        Length of each clip.
    sample_rate_hz : int
        Sample rate of the audio, which gives the frequencies of the mel bands.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    import librosa

    n_mels = next(iter(log_mel.values())).shape[1]
    hz = librosa.mel_frequencies(n_mels + 2, fmin=0, fmax=sample_rate_hz / 2)[1:-1]
    ticks_hz = np.array([250, 1000, 4000])
    top_db = max(values.max() for values in log_mel.values())
    figure, axes = plt.subplots(2, -(-len(log_mel) // 2), figsize=(9.5, 4.2), sharex=True, sharey=True)
    for axis, (title, values) in zip(axes.flat, log_mel.items(), strict=False):
        extent = (0, duration_s, -0.5, n_mels - 0.5)
        image = axis.imshow(values.T, origin="lower", aspect="auto", extent=extent, vmin=top_db - 80, vmax=top_db)
        axis.set_title(title, fontsize=10)
        axis.set_yticks(np.interp(ticks_hz, hz, np.arange(n_mels)), [f"{tick:,}" for tick in ticks_hz])
        axis.grid(False)
    figure.supxlabel("time (s)", fontsize=11)
    figure.supylabel("frequency of the mel band (Hz)", fontsize=11)
    figure.colorbar(image, ax=axes, label="power (dB)")
    return figure


def artist_shares(clips: pd.DataFrame) -> Figure:
    """Draw one bar a genre, divided among its artists from the one with the most clips on, who is named.

    Parameters
    ----------
    clips : pandas.DataFrame
        Columns ``genre`` and ``artist``; artists may be missing.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    genres = sorted(clips["genre"].unique(), reverse=True)
    figure, axis = plt.subplots(figsize=(9, 0.42 * len(genres) + 0.9))
    for row, genre in enumerate(genres):
        counts = clips[clips["genre"] == genre].groupby("artist").size().sort_values(ascending=False, kind="stable")
        edges = counts.cumsum() - counts
        axis.barh(row, counts, left=edges, color="0.82", edgecolor="black", linewidth=0.5)
        for artist, n_clips in counts.iloc[:1].items():
            axis.barh(row, n_clips, color=COLOURS[4], edgecolor="black", linewidth=0.5)
            axis.text(1, row, f"{artist}, {n_clips}", va="center", fontsize=9, bbox={"color": "white", "alpha": 0.6, "pad": 1})
        unknown = (clips["genre"] == genre).sum() - counts.sum()
        if unknown:
            axis.barh(row, unknown, left=counts.sum(), color="white", edgecolor="0.5", linewidth=0.5, hatch="///")
    axis.set_yticks(range(len(genres)), genres)
    axis.set(xlabel="clips, one field an artist (hatched: artist not known)")
    axis.grid(axis="y", visible=False)
    return figure


def pair_similarity(
    recording: np.ndarray, version: np.ndarray, kinds: Sequence[str], *, thresholds: tuple[float, float], names: Mapping[str, str]
) -> Figure:
    """Draw every pair of clips as a point: how alike in sound, how alike in notes.

    Parameters
    ----------
    recording, version : numpy.ndarray
        Similarities of each pair, shape (n_pairs,).
    kinds : sequence of str
        What each pair is.
    thresholds : tuple of float
        From where on a pair is called the same recording, and a version.
    names : mapping
        The kinds to draw, the last on top, and how the legend calls each.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    kinds = np.asarray(kinds)
    figure, axis = plt.subplots(figsize=(7, 4.2))
    for i, (kind, name) in enumerate(names.items()):
        of_kind = kinds == kind
        style = {"s": 8, "color": "0.6"} if i == 0 else {"s": 60, "color": COLOURS[i - 1], "edgecolor": "black"}
        label = f"{name} ({of_kind.sum():,})"
        axis.scatter(recording[of_kind], version[of_kind], marker=MARKERS[i], label=label, zorder=2 + i, rasterized=i == 0, **style)
    axis.axvline(thresholds[0], color="black", linestyle="--", linewidth=1)
    axis.axhline(thresholds[1], color="black", linestyle=":", linewidth=1.5)
    axis.set(
        xlabel="similarity of the recordings (correlation)",
        ylabel="similarity of the notes (correlation)",
        xlim=(-0.02, 1.04),
        ylim=(0, 1.04),
    )
    axis.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
