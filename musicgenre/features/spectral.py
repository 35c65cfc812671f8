"""Log-mel spectrograms and MFCCs, time first, with librosa's numbers at a fraction of its time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import scipy.fft

from musicgenre.errors import DataError, SettingsError

HPSS_WIDTH = 31  # frames, and bins, that the medians of the harmonic-percussive split look at


@lru_cache
def hann(length: int) -> np.ndarray:
    """Return the periodic Hann window, float32, shape (length,); as ``scipy.signal.get_window("hann", length)``."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def stft(samples: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512) -> np.ndarray:
    """Short-time Fourier transform of one or several signals.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (..., n_samples); computed in float32.
    n_fft : int
        Length of a frame in samples (Hann window).
    hop_length : int
        Samples from one frame to the next.

    Returns
    -------
    numpy.ndarray
        complex64, shape (..., 1 + n_samples // hop_length, 1 + n_fft // 2): time first. Frame t is centred on
        sample ``t * hop_length``; beyond the ends the signal counts as zero. The transpose of ``librosa.stft``.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    samples = np.asarray(samples, dtype=np.float32)
    padded = np.pad(samples, [(0, 0)] * (samples.ndim - 1) + [(n_fft // 2, n_fft // 2)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[..., ::hop_length, :]
    return scipy.fft.rfft(frames * hann(n_fft))


@lru_cache
def mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return librosa's (Slaney's) mel filters (n_mels, 1 + n_fft // 2) with the first and the end bin of each."""
    import librosa

    weights = librosa.filters.mel(sr=sample_rate_hz, n_fft=n_fft, n_mels=n_mels)
    starts = (weights > 0).argmax(axis=1)
    return weights, starts, starts + (weights > 0).sum(axis=1)


def melspectrogram(spectrum: np.ndarray, *, sample_rate_hz: int = 22050, n_mels: int = 128) -> np.ndarray:
    """Power in each mel band of a spectrum.

    Parameters
    ----------
    spectrum : numpy.ndarray
        What :func:`stft` returns, complex64 (..., n_frames, n_bins).
    sample_rate_hz : int
        Sample rate of the signal.
    n_mels : int
        Number of mel bands between 0 Hz and half the sample rate.

    Returns
    -------
    numpy.ndarray
        float32, shape (..., n_frames, n_mels); the transpose of ``librosa.feature.melspectrogram``.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    from musicgenre.features import kernels

    n_bins = spectrum.shape[-1]
    mel = kernels.mel_power(spectrum.reshape(-1, n_bins), *mel_filters(sample_rate_hz, 2 * (n_bins - 1), n_mels))
    return mel.reshape(*spectrum.shape[:-1], n_mels)


def power_to_db(power: np.ndarray, *, top_db: float | None = 80.0) -> np.ndarray:
    """Power in decibels relative to 1, as ``librosa.power_to_db`` with ``ref=1.0``.

    Parameters
    ----------
    power : numpy.ndarray
        Shape (..., n_frames, n_mels), not negative. Values below 1e-10 count as 1e-10 (-100 dB).
    top_db : float or None
        Each spectrogram (last two axes) is cut off this many dB below its own maximum; None cuts nothing.

    Returns
    -------
    numpy.ndarray
        dB, same shape and dtype.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    db = np.log10(np.maximum(power, 1e-10))
    db *= 10
    if top_db is not None:
        np.maximum(db, db.max(axis=(-2, -1), keepdims=True) - top_db, out=db)
    return db


def mfcc_from_log_mel(log_mel: np.ndarray, n_mfcc: int) -> np.ndarray:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of a log-mel spectrogram over its mel bands.

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, shape (..., n_mels).
    n_mfcc : int
        Number of coefficients to keep, from the first on.

    Returns
    -------
    numpy.ndarray
        Shape (..., n_mfcc), same dtype; the transpose of ``librosa.feature.mfcc(S=log_mel.T, n_mfcc=n_mfcc)``.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    return np.ascontiguousarray(scipy.fft.dct(log_mel, norm="ortho")[..., :n_mfcc])


def harmonic(spectrum: np.ndarray, magnitude: np.ndarray, *, n_samples: int, hop_length: int = 512) -> np.ndarray:
    """Return the harmonic part of a signal: what lasts, as against what strikes (median filtering, Fitzgerald 2010).

    Parameters
    ----------
    spectrum : numpy.ndarray
        What :func:`stft` returns, complex64 (n_frames, n_bins), with a hop of a quarter frame.
    magnitude : numpy.ndarray
        Its absolute values.
    n_samples : int
        Length of the signal.
    hop_length : int
        Samples from one frame to the next.

    Returns
    -------
    numpy.ndarray
        Samples, float32, shape (n_samples,), as ``librosa.effects.harmonic`` gives; the rest of the signal is its
        percussive part, as ``librosa.effects.percussive`` gives.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    from musicgenre.features import kernels

    reach = HPSS_WIDTH // 2
    lasting = kernels.sliding_median(np.pad(magnitude.T, [(0, 0), (reach, reach)], mode="symmetric"), HPSS_WIDTH).T
    striking = kernels.sliding_median(np.pad(magnitude, [(0, 0), (reach, reach)], mode="symmetric"), HPSS_WIDTH)
    larger = np.maximum(lasting, striking)
    larger[larger < np.finfo(np.float32).tiny] = 1
    lasting, striking = (lasting / larger) ** 2, (striking / larger) ** 2
    total = lasting + striking
    mask = np.divide(lasting, total, out=np.full_like(total, 0.5), where=total > 0)
    return istft(spectrum * mask, n_samples=n_samples, hop_length=hop_length)


def istft(spectrum: np.ndarray, *, n_samples: int, hop_length: int = 512) -> np.ndarray:
    """Inverse of :func:`stft` by overlapping and adding: complex64 (n_frames, n_bins) -> float32 (n_samples,)."""
    n_frames, n_fft = len(spectrum), 2 * (spectrum.shape[1] - 1)
    frames = scipy.fft.irfft(spectrum) * hann(n_fft)
    squares = np.broadcast_to(hann(n_fft) ** 2, frames.shape)
    overlap = n_fft // hop_length
    signal, weight = (np.zeros((n_frames + overlap - 1, hop_length), np.float32) for _ in range(2))
    for i in range(overlap):
        part = slice(i * hop_length, (i + 1) * hop_length)
        signal[i : i + n_frames] += frames[:, part]
        weight[i : i + n_frames] += squares[:, part]
    inside = slice(n_fft // 2, n_fft // 2 + n_samples)
    return signal.ravel()[inside] / weight.ravel()[inside]


@dataclass(frozen=True, kw_only=True)
class Feature(ABC):
    """A feature of the segments of a clip; its fields are all that its numbers depend on, besides :attr:`version`.

    Parameters
    ----------
    sample_rate_hz : int
        Sample rate of the samples it is given.
    segment_s : float or None
        Length of a segment in seconds; None takes the whole clip, whatever its length, as one segment.
    n_segments : int
        Segments are cut from the samples one after the other, from the start; what is left over is dropped.

    Raises
    ------
    SettingsError
        If the parameters contradict each other.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """

    name: ClassVar[str]
    version: ClassVar[int]  # raise it whenever the numbers change: feature stores are named by it

    sample_rate_hz: int = 22050
    segment_s: float | None = 3.0
    n_segments: int = 10

    def __post_init__(self):
        if self.n_segments < 1 or (self.segment_s is None and self.n_segments != 1):
            raise SettingsError(f"n_segments={self.n_segments} with segment_s={self.segment_s}; a whole clip (None) is one segment")
        if self.segment_s is not None and self.segment_s * self.sample_rate_hz < 1:
            raise SettingsError(f"segment_s={self.segment_s} is shorter than one sample")

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the feature of one segment."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return np.dtype(np.float32)

    @abstractmethod
    def of_segments(self, segments: np.ndarray) -> np.ndarray:
        """Compute the feature of segments of shape (n_segments, n_samples)."""

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Compute the feature of all segments of a clip.

        Parameters
        ----------
        samples : numpy.ndarray
            Mono samples of the whole clip, shape (n_samples,).

        Returns
        -------
        numpy.ndarray
            Shape (n_segments, *shape), always finite.

        Raises
        ------
        DataError
            If the clip is too short for its segments, or its samples are not finite or too large.
        """
        values = self.of_segments(self.cut(samples))
        if not np.isfinite(values).all():
            raise DataError(f"{self.name} is not finite; the samples hold NaN, infinite or far too large values")
        return values

    def cut(self, samples: np.ndarray) -> np.ndarray:
        """Cut a clip into its segments, shape (n_segments, n_samples).

        The last segment may be short by up to 10 % of its length and is then filled with zeros.

        Raises
        ------
        DataError
            If the clip is shorter than that.
        """
        length = len(samples) if self.segment_s is None else round(self.segment_s * self.sample_rate_hz)
        missing = self.n_segments * length - len(samples)
        if length == 0 or missing > 0.1 * length:
            raise DataError(
                f"clip lasts {len(samples) / self.sample_rate_hz:.1f} s; {self.n_segments} segments of {self.segment_s or 0:g} s "
                f"need {self.n_segments * (self.segment_s or 0):g} s"
            )
        samples = np.pad(samples, (0, missing)) if missing > 0 else samples[: self.n_segments * length]
        return samples.reshape(self.n_segments, length)


@dataclass(frozen=True, kw_only=True)
class LogMel(Feature):
    """Log-mel spectrogram of each segment in dB, time first: float32 (n_frames, n_mels).

    Equal to ``librosa.power_to_db(librosa.feature.melspectrogram(y=segment, ...), top_db=top_db).T`` within 0.001 dB.

    Parameters
    ----------
    n_fft, hop_length : int
        Length of a frame and distance between frames, in samples.
    n_mels : int
        Number of mel bands.
    top_db : float or None
        Each segment is cut off this many dB below its maximum; None cuts nothing.
    keep_frames : int or None
        Keep only this many evenly spread frames of each segment; needed where ``segment_s`` is None, because clips
        differ in length.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """

    name: ClassVar[str] = "log_mel"
    version: ClassVar[int] = 1

    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    top_db: float | None = 80.0
    keep_frames: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.segment_s is None and self.keep_frames is None:
            raise SettingsError("segment_s=None needs keep_frames: whole clips differ in length, features must not")

    @property
    def n_frames(self) -> int:
        """Number of frames of a segment."""
        return self.keep_frames or 1 + round(self.segment_s * self.sample_rate_hz) // self.hop_length

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_frames, self.n_mels)

    def of_segments(self, segments: np.ndarray) -> np.ndarray:
        spectrum = stft(segments, n_fft=self.n_fft, hop_length=self.hop_length)
        mel = melspectrogram(spectrum, sample_rate_hz=self.sample_rate_hz, n_mels=self.n_mels)
        log_mel = power_to_db(mel, top_db=self.top_db)
        if self.keep_frames is None:
            return log_mel
        n_frames = log_mel.shape[1]
        if n_frames < self.keep_frames:
            raise DataError(f"segment has {n_frames} frames; keep_frames={self.keep_frames} needs at least as many")
        return log_mel[:, evenly_spread(n_frames, self.keep_frames)]


def evenly_spread(n_frames: int, keep_frames: int) -> np.ndarray:
    """Return the positions of ``keep_frames`` of ``n_frames`` frames, as the log-mel archive of GTZAN has them."""
    return (np.arange(1, 2 * keep_frames, 2) / (2 * keep_frames + 1) * n_frames).astype(int)


@dataclass(frozen=True, kw_only=True)
class Mfcc(LogMel):
    """MFCCs of each segment, time first: float32 (n_frames, n_mfcc).

    Equal to ``librosa.feature.mfcc(y=segment, n_mfcc=n_mfcc, ...).T`` within 0.005; parameters as :class:`LogMel`.

    Parameters
    ----------
    n_mfcc : int
        Number of coefficients.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """

    name: ClassVar[str] = "mfcc"
    version: ClassVar[int] = 1

    n_mfcc: int = 23

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_frames, self.n_mfcc)

    def of_segments(self, segments: np.ndarray) -> np.ndarray:
        return mfcc_from_log_mel(super().of_segments(segments), self.n_mfcc)
