"""Figures of sound and of the features made from it. Time runs along the first axis of every array, as in the package."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musicgenre.plots import COLOURS, MARKERS

PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def waveform(samples: np.ndarray, *, sample_rate_hz: int = 22050, zoom_s: tuple[float, float] = (5.0, 5.02)) -> Figure:
    """Draw a clip as a whole, and a moment of it sample by sample.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    time_s = np.arange(len(samples)) / sample_rate_hz
    figure, axes = plt.subplots(2, 1, figsize=(9, 4))
    axes[0].plot(time_s[::8], samples[::8], linewidth=0.4)
    axes[0].axvline(zoom_s[0], color=COLOURS[1], linewidth=2)
    axes[0].set(xlim=(0, time_s[-1]), ylabel="amplitude", title="the whole clip; the line marks the moment below")
    moment = (time_s >= zoom_s[0]) & (time_s < zoom_s[1])
    axes[1].plot(time_s[moment], samples[moment], marker="o", markersize=2.5, linewidth=0.8, color=COLOURS[1])
    milliseconds = 1000 * (zoom_s[1] - zoom_s[0])
    axes[1].set(xlim=zoom_s, xlabel="time (s)", ylabel="amplitude", title=f"{milliseconds:.0f} ms of it, one dot a sample")
    return figure


def spectrogram(db: np.ndarray, centre_hz: np.ndarray, *, hop_s: float, title: str = "") -> Figure:
    """Draw a spectrogram in dB, (n_frames, n_bands), with the frequencies of its bands at the left.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axis = plt.subplots(figsize=(9, 3.6))
    picture = _image(axis, db, hop_s)
    _frequencies(axis, centre_hz)
    axis.set(xlabel="time (s)", title=title)
    figure.colorbar(picture, ax=axis, label="level (dB)")
    return figure


def mel_filters(filters: np.ndarray, *, sample_rate_hz: int = 22050, every: int = 9) -> Figure:
    """Draw some rows of a mel filter bank, (n_mels, n_bins), and the centre and width of all.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    hz = np.linspace(0, sample_rate_hz / 2, filters.shape[1])
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(2, 1))
    for i, band in enumerate(range(0, len(filters), every)):
        axes[0].plot(hz / 1000, 1000 * filters[band], "-", color=COLOURS[i % 2], linewidth=1)
    axes[0].set(xlabel="frequency (kHz)", ylabel="weight (1/1000)", title=f"every {every}th of {len(filters)} mel bands")
    axes[1].plot(np.arange(len(filters)), hz[filters.argmax(axis=1)] / 1000, "-")
    axes[1].set(xlabel="mel band", ylabel="centre (kHz)", title="where the bands lie")
    return figure


def mfcc_steps(
    frame: np.ndarray, power: np.ndarray, mel_db: np.ndarray, mfcc: np.ndarray, basis: np.ndarray, *, hop_s: float, t: int
) -> Figure:
    """Draw how the MFCCs of one frame come about, step by step, and those of all frames.

    Parameters
    ----------
    frame : numpy.ndarray
        Samples of frame ``t`` times the window, (n_fft,).
    power, mel_db, mfcc : numpy.ndarray
        Of all frames: power spectrum (n_frames, n_bins), log-mel spectrogram in dB (n_frames, n_mels), MFCCs (n_frames, n_mfcc).
    basis : numpy.ndarray
        Rows of the DCT-II, (n_mfcc, n_mels).
    hop_s : float
        Seconds from one frame to the next.
    t : int
        The frame that is shown.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``. Redraws Figure 5 of Srivastava et al. (2022).
    """
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 5.4))
    panels = axes.ravel()
    panels[0].plot(frame, linewidth=0.6)
    panels[0].set(title="1 windowed frame", xlabel="sample", ylabel="amplitude")
    panels[1].plot(10 * np.log10(np.maximum(power[t], 1e-10)), linewidth=0.6)
    panels[1].set(title="2 power spectrum", xlabel="bin of the transform", ylabel="power (dB)")
    panels[2].step(np.arange(mel_db.shape[1]), mel_db[t], where="mid")
    smooth = mfcc[t] @ basis
    panels[2].plot(smooth, "--", color=COLOURS[1], label=f"from {len(basis)} MFCCs")
    panels[2].set(title="3 mel bands in dB", xlabel="mel band", ylabel="power (dB)")
    panels[2].legend(fontsize=8)
    for k in range(4):
        panels[3].plot(basis[k] - 0.35 * k, "-", color=COLOURS[0])
        panels[3].text(len(basis[k]), -0.35 * k, f" {k}", va="center")
    panels[3].set(title="4 cosines of the DCT", xlabel="mel band", yticks=[], ylabel="weight")
    panels[4].bar(np.arange(1, mfcc.shape[1]), mfcc[t, 1:], color=COLOURS[0])
    panels[4].set(title=f"5 MFCCs 1 to {mfcc.shape[1] - 1}", xlabel="coefficient", ylabel="value (dB)")
    _image(panels[5], mfcc[:, 1:], hop_s, first=1, cmap="cividis")
    panels[5].axvline(t * hop_s, color="white", linestyle="-")
    panels[5].set(title="6 the same for all frames", xlabel="time (s)", ylabel="coefficient")
    return figure


def chroma(values: np.ndarray, *, hop_s: float) -> Figure:
    """Draw a chromagram, (n_frames, 12).

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axis = plt.subplots(figsize=(9, 3))
    picture = _image(axis, values, hop_s, cmap="cividis")
    axis.set(xlabel="time (s)", ylabel="pitch class", yticks=range(12), yticklabels=PITCH_CLASSES)
    axis.tick_params(axis="y", labelsize=8)
    figure.colorbar(picture, ax=axis, label="energy (strongest = 1)")
    return figure


def onsets_and_tempo(onsets: np.ndarray, bpm: np.ndarray, score: np.ndarray, *, hop_s: float, shown_s: float = 6.0) -> Figure:
    """Draw the onset strength of the first seconds, and the score of each tempo with the best one marked.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    best = bpm[score.argmax()]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(3, 2))
    time_s = np.arange(len(onsets)) * hop_s
    axes[0].plot(time_s, onsets, linewidth=1)
    strongest = time_s[onsets[time_s < shown_s].argmax()] % (60 / best)
    for beat_s in np.arange(strongest, shown_s, 60 / best):
        axes[0].axvline(beat_s, color=COLOURS[1], linestyle=":", linewidth=1)
    axes[0].set(xlim=(0, shown_s), xlabel="time (s)", ylabel="onset strength (dB)", title=f"dotted: {best:.1f} beats a minute")
    possible = np.isfinite(score) & (bpm > 30)
    axes[1].plot(bpm[possible], score[possible], marker=".", linewidth=1)
    axes[1].axvline(best, color=COLOURS[1], linestyle=":")
    axes[1].set(xscale="log", xlabel="tempo (beats per minute)", ylabel="score", title="one dot a possible tempo")
    axes[1].set_xticks([40, 60, 80, 120, 160, 240], labels=["40", "60", "80", "120", "160", "240"])
    axes[1].minorticks_off()
    return figure


def picture(log_mel: np.ndarray, image: np.ndarray, *, hop_s: float) -> Figure:
    """Draw a log-mel spectrogram beside the picture made of it, pixels as a model gets them.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.8))
    _image(axes[0], log_mel, hop_s)
    axes[0].set(title="log-mel spectrogram", xlabel="time (s)", ylabel="mel band")
    axes[1].imshow(image)
    axes[1].set(title="the picture: low bands at the top", xlabel="pixel", ylabel="pixel")
    axes[1].grid(False)
    return figure


def overview(clips: Mapping[str, Sequence[np.ndarray]], centre_hz: np.ndarray, *, sample_rate_hz: int = 22050, hop_s: float) -> Figure:
    """Draw several clips side by side: samples, log-mel spectrogram, MFCCs and chroma of each.

    Parameters
    ----------
    clips : mapping
        Title of each clip, and its samples (n_samples,), log-mel (n_frames, n_mels), MFCCs (n_frames, n_mfcc), chroma (n_frames, 12).
    centre_hz : numpy.ndarray
        Centre of each mel band.
    sample_rate_hz : int
        Sample rate of the clips.
    hop_s : float
        Seconds from one frame to the next.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axes = plt.subplots(4, len(clips), figsize=(9.5, 8), sharex=True, sharey="row", squeeze=False)
    for column, (title, (samples, log_mel, mfcc, chromagram)) in zip(axes.T, clips.items(), strict=True):
        column[0].plot(np.arange(0, len(samples), 8) / sample_rate_hz, samples[::8], linewidth=0.4)
        column[0].set_title(title, fontsize=10)
        _image(column[1], log_mel, hop_s)
        _image(column[2], mfcc[:, 1:], hop_s, first=1, cmap="cividis")
        _image(column[3], chromagram, hop_s, cmap="cividis")
        column[3].set_xlabel("time (s)")
    for axis, label in zip(axes[:, 0], ("amplitude", "", "MFCC", "pitch class"), strict=True):
        axis.set_ylabel(label)
    _frequencies(axes[1, 0], centre_hz)
    axes[2, 0].set_yticks(range(1, mfcc.shape[1], 3))
    axes[3, 0].set_yticks(range(0, 12, 2), labels=PITCH_CLASSES[::2])
    return figure


def differences(table: pd.DataFrame) -> Figure:
    """Draw how far feature values lie apart, on a logarithmic scale.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a feature, one column a comparison; relative differences.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axis = plt.subplots(figsize=(9.5, 4.6))
    for i, (label, values) in enumerate(table.items()):
        axis.plot(table.index, np.maximum(values, 1e-16), marker=MARKERS[i], markersize=5, linestyle="", color=COLOURS[i], label=label)
    axis.set(yscale="log", ylabel="relative difference", xlabel="feature; equal values lie at the bottom edge", ylim=(5e-17, None))
    axis.tick_params(axis="x", labelrotation=90, labelsize=6.5)
    axis.margins(x=0.01)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9, ncols=2)
    return figure


def times(seconds: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the seconds that each step takes, one panel a way to compute the same thing, all on one scale.

    Parameters
    ----------
    seconds : mapping
        Title of each panel, and the seconds of each of its steps.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    figure, axes = plt.subplots(1, len(seconds), figsize=(9.5, 3.8), sharex=True, squeeze=False)
    for axis, colour, (title, steps) in zip(axes[0], COLOURS, seconds.items(), strict=False):
        total = sum(steps.values())
        bars = axis.barh(list(steps), list(steps.values()), color=colour)
        labels = [f" {1000 * value:.{0 if value >= 0.01 else 1}f} ms, {value / total:.0%}" for value in steps.values()]
        axis.bar_label(bars, labels, fontsize=8)
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", labelsize=9)
        axis.set(title=f"{title}: {total:.2f} s", xlabel="time (s)")
        axis.margins(x=0.35)
    return figure


def _image(axis: Axes, values: np.ndarray, hop_s: float, *, first: int = 0, **options):
    # Time to the right and the first band at the bottom; frame t is centred on t * hop_s.
    n_frames, n_bands = values.shape
    extent = (-hop_s / 2, (n_frames - 0.5) * hop_s, first - 0.5, first + n_bands - 0.5)
    axis.grid(False)
    return axis.imshow(values.T, origin="lower", aspect="auto", interpolation="nearest", extent=extent, **options)


def _frequencies(axis: Axes, centre_hz: np.ndarray) -> None:
    even = np.allclose(np.diff(centre_hz), centre_hz[1] - centre_hz[0])
    khz = np.arange(0, centre_hz[-1] / 1000, 2) if even else np.array([0.1, 0.5, 1, 2, 4, 8])
    khz = khz[khz * 1000 <= centre_hz[-1]]
    axis.set_yticks(np.interp(1000 * khz, centre_hz, np.arange(len(centre_hz))), labels=[f"{value:g}" for value in khz])
    axis.set_ylabel("frequency (kHz)")
