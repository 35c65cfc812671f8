"""Augmentation of the training part as Xu et al. describe it: noise, pitch shift, or a random combination of both.

On audio, and its equivalent on mel power where no audio is at hand. The paper names no level, interval or probability; all
numbers here are ours. Taught in the notebook ``08_xu_2024``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from musicgenre.features import LogMel

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
    """
    noise = rng.standard_normal(samples.shape, dtype=np.float32)
    return samples + level * np.sqrt(np.mean(samples**2)) * noise


def shift_pitch(samples: np.ndarray, semitones: float, *, sample_rate_hz: int = 22050) -> np.ndarray:
    """Shift the pitch of a signal and keep its duration, by ``librosa.effects.pitch_shift``.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, (n_samples,).
    semitones : float
        Up where positive.
    sample_rate_hz : int
        Sample rate of the signal.
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
    """
    if rng.random() < PROBABILITY:
        samples = add_noise(samples, rng)
    if rng.random() < PROBABILITY:
        samples = shift_pitch(samples, rng.uniform(-SEMITONES, SEMITONES), sample_rate_hz=sample_rate_hz)
    return samples


@dataclass(frozen=True, kw_only=True)
class AugmentedLogMel(LogMel):
    """Log-mel spectrogram of segments of an augmented clip.

    Parameters
    ----------
    seed : int
        With the clip's own samples it decides what is done to the clip. Other parameters as
        :class:`musicgenre.features.LogMel`.
    """

    name: ClassVar[str] = "augmented_log_mel"
    version: ClassVar[int] = 1

    seed: int = 0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([self.seed, zlib.crc32(samples.tobytes())])
        return super().__call__(augment_audio(samples, rng, sample_rate_hz=self.sample_rate_hz))


def augment_log_mel(log_mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Do to mel spectrograms what :func:`augment_audio` does to audio, nearly.

    White noise adds power to each mel band in proportion to its width, with the exponential distribution of a single frame; a
    shift of pitch moves the spectrum along the mel axis (harmonics move together; the ear's spacing of mel bands is kept).

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, (n_items, n_frames, n_mels); bands between 0 Hz and 11,025 Hz.
    rng : numpy.random.Generator
        Decides, for each item on its own.

    Returns
    -------
    numpy.ndarray
        dB, float32, of the same shape.
    """
    import librosa

    n_mels = log_mel.shape[-1]
    centres_hz = librosa.mel_frequencies(n_mels=n_mels + 2, fmin=0, fmax=11025)
    width = centres_hz[2:] - centres_hz[:-2]
    power = np.power(10, log_mel / 10, dtype=np.float64)
    noisy = rng.random(len(power)) < PROBABILITY
    shape = width / width.sum() * np.ones(power.shape)
    noise = NOISE_LEVEL**2 * power.sum(axis=-1).mean(axis=-1)[:, None, None] * shape * rng.standard_exponential(power.shape)
    power[noisy] += noise[noisy]
    for i in np.flatnonzero(rng.random(len(power)) < PROBABILITY):
        ratio = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
        source = np.interp(centres_hz[1:-1] / ratio, centres_hz[1:-1], np.arange(n_mels))
        low = np.floor(source).astype(int)
        high = np.minimum(low + 1, n_mels - 1)
        power[i] = power[i][:, low] * (1 - source + low) + power[i][:, high] * (source - low)
    return (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)
