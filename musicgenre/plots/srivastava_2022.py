"""Figure of the chapter on Srivastava et al.: MFCCs step by step."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from musicgenre.features import spectral
from musicgenre.plots import COLOURS


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
