"""Augmentation of the training part as Xu et al. describe it: noise, pitch shift, or a random combination of both.

On audio, and nearly the same on log-mel spectrograms where no audio is at hand. The paper names no level, interval or
probability; all numbers here are ours. Taught in the notebook ``08_xu_2024``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from musicgenre.features import LogMel
from musicgenre.features.spectral import power_to_db

NOISE_LEVEL = 0.05  # root mean square of the noise, as a fraction of the signal's
SEMITONES = 2.0  # largest shift of pitch, up or down
PROBABILITY = 0.5  # of each of the two


def add_noise(samples: np.ndarray, rng: np.random.Generator, *, level: float = NOISE_LEVEL) -> np.ndarray:
    """Add white noise to a signal.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, (n_samples,).
    rng : numpy.random.Generator
        Source of the noise.
    level : float
        Root mean square of the noise, as a fraction of the signal's.

    Returns
    -------
    numpy.ndarray
        float32, (n_samples,).
    """
    noise = rng.standard_normal(samples.shape, dtype=np.float32)
    return samples + level * np.sqrt(np.mean(samples**2)) * noise


def shift_pitch(samples: np.ndarray, semitones: float, *, sample_rate_hz: int = 22050) -> np.ndarray:
    """Shift the pitch of a signal and keep its duration, by ``librosa.effects.pitch_shift``.

    The paper shifts first and stretches then; librosa does it in the other order, to the same end.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, (n_samples,).
    semitones : float
        Up where positive.
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    numpy.ndarray
        float32, (n_samples,).
    """
    import librosa

    return librosa.effects.pitch_shift(samples, sr=sample_rate_hz, n_steps=semitones)


def augment_audio(samples: np.ndarray, rng: np.random.Generator, *, sample_rate_hz: int = 22050) -> np.ndarray:
    """Add noise, shift the pitch, both or neither, at random ("randomized audio data augmentation").

    Parameters
    ----------
    samples : numpy.ndarray
        float32, (n_samples,).
    rng : numpy.random.Generator
        Decides.
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    numpy.ndarray
        float32, (n_samples,).
    """
    if rng.random() < PROBABILITY:
        samples = add_noise(samples, rng)
    if rng.random() < PROBABILITY:
        samples = shift_pitch(samples, rng.uniform(-SEMITONES, SEMITONES), sample_rate_hz=sample_rate_hz)
    return samples


@dataclass(frozen=True, kw_only=True)
class AugmentedLogMel(LogMel):
    """Log-mel spectrogram of augmented audio; what is done to a segment is decided for each on its own.

    Parameters
    ----------
    seed : int
        With the segment's own samples it decides what is done to the segment. Other parameters as
        :class:`musicgenre.features.LogMel`.
    """

    name: ClassVar[str] = "augmented_log_mel"
    version: ClassVar[int] = 1

    seed: int = 0

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([self.seed, zlib.crc32(samples.tobytes())])
        return super().of_segment(augment_audio(samples, rng, sample_rate_hz=self.sample_rate_hz))


def add_noise_to_log_mel(
    log_mel: np.ndarray, rng: np.random.Generator, *, level: float = NOISE_LEVEL, n_fft: int = 512, sample_rate_hz: int = 22050
) -> np.ndarray:
    """Do to log-mel spectrograms what :func:`add_noise` does to audio, nearly.

    The power of white noise is on average the same in all of librosa's mel bands, because their weights add up to the same.
    It scatters as the mean of the independent bins of a band does: much in the narrow low bands, little in the wide high ones.

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, (..., n_frames, n_mels); bands between 0 Hz and half the sample rate.
    rng : numpy.random.Generator
        Source of the noise.
    level : float
        Root mean square of the noise, as a fraction of the signal's.
    n_fft : int
        Length of a frame in samples (Hann window).
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    numpy.ndarray
        dB, float32, of the same shape.
    """
    edges_hz = _edges_hz(log_mel.shape[-1], sample_rate_hz)
    width_hz = edges_hz[2:] - edges_hz[:-2]
    power = np.power(10, log_mel / 10, dtype=np.float64)
    of_signal = np.average(power, axis=-1, weights=width_hz).mean(axis=-1)[..., None, None]
    # A triangle w over n bins has (sum w)² / sum w² = 0.75 n; a Hann window makes one independent bin of 1.94.
    independent_bins = np.maximum(1, 0.75 / 1.94 * width_hz * n_fft / sample_rate_hz)
    scatter = rng.gamma(independent_bins, 1 / independent_bins, size=power.shape)
    return power_to_db(power + level**2 * of_signal * scatter, top_db=None).astype(np.float32)


def shift_log_mel(log_mel: np.ndarray, semitones: float, *, sample_rate_hz: int = 22050) -> np.ndarray:
    """Do to log-mel spectrograms what :func:`shift_pitch` does to audio, nearly: move the spectrum along the frequency axis.

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, (..., n_frames, n_mels); bands between 0 Hz and half the sample rate.
    semitones : float
        Up where positive.
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    numpy.ndarray
        dB, float32, of the same shape. What comes from above half the sample rate is as low as the lowest value of each spectrogram.
    """
    n_mels = log_mel.shape[-1]
    centres_hz = _edges_hz(n_mels, sample_rate_hz)[1:-1]
    power = np.power(10, log_mel / 10, dtype=np.float64)
    beyond = np.broadcast_to(power.min(axis=(-2, -1), keepdims=True), (*power.shape[:-1], 1))
    power = np.concatenate([power, beyond], axis=-1)
    source = np.interp(centres_hz / 2 ** (semitones / 12), centres_hz, np.arange(n_mels), right=n_mels)
    low = source.astype(int)
    high = np.minimum(low + 1, n_mels)
    return power_to_db(power[..., low] * (1 - source + low) + power[..., high] * (source - low), top_db=None).astype(np.float32)


def augment_log_mel(log_mel: np.ndarray, rng: np.random.Generator, *, n_fft: int = 512, sample_rate_hz: int = 22050) -> np.ndarray:
    """Do to log-mel spectrograms what :func:`augment_audio` does to audio, nearly.

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, (n_items, n_frames, n_mels); bands between 0 Hz and half the sample rate.
    rng : numpy.random.Generator
        Decides, for each item on its own.
    n_fft : int
        Length of a frame in samples (Hann window).
    sample_rate_hz : int
        Sample rate of the signal.

    Returns
    -------
    numpy.ndarray
        dB, float32, of the same shape; a copy.
    """
    augmented = log_mel.astype(np.float32)
    for item in augmented:
        if rng.random() < PROBABILITY:
            item[:] = add_noise_to_log_mel(item, rng, n_fft=n_fft, sample_rate_hz=sample_rate_hz)
        if rng.random() < PROBABILITY:
            item[:] = shift_log_mel(item, rng.uniform(-SEMITONES, SEMITONES), sample_rate_hz=sample_rate_hz)
    return augmented


def _edges_hz(n_mels: int, sample_rate_hz: int) -> np.ndarray:
    # Band i is a triangle from edge i over edge i + 1 to edge i + 2.
    import librosa

    return librosa.mel_frequencies(n_mels=n_mels + 2, fmin=0, fmax=sample_rate_hz / 2)
