"""Log-mel spectrograms and MFCCs, time first, with librosa's numbers at a fraction of its time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import scipy.fft

from musicgenre.corpora import audio
from musicgenre.errors import DataError, SettingsError

BLOCK_FRAMES = 64  # frames transformed at a time


@lru_cache
def hann(length: int) -> np.ndarray:
    """Return the periodic Hann window, float32, shape (length,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def stft(samples: np.ndarray, *, n_fft: int = 2048, hop_length: int = 512, pad_mode: str = "constant") -> np.ndarray:
    """Short-time Fourier transform of a signal; the transpose of ``librosa.stft``.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (n_samples,); computed in float32.
    n_fft : int
        Length of a frame in samples (Hann window), an even number.
    hop_length : int
        Samples from one frame to the next.
    pad_mode : {"constant", "reflect"}
        What lies beyond the ends of the signal: silence, or its mirror image (librosa's default before version 0.9).

    Returns
    -------
    numpy.ndarray
        complex64, shape (1 + n_samples // hop_length, 1 + n_fft // 2): time first. Frame t is centred on
        sample ``t * hop_length``.

    Raises
    ------
    DataError
        If the signal is shorter than one frame.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    spectrum = np.empty((1 + len(samples) // hop_length, 1 + n_fft // 2), np.complex64)
    for rows, block in _stft_blocks(samples, n_fft, hop_length, pad_mode):
        spectrum[rows] = block
    return spectrum


def _stft_blocks(samples: np.ndarray, n_fft: int, hop_length: int, pad_mode: str = "constant") -> Iterator[tuple[slice, np.ndarray]]:
    # So few frames at a time stay in the processor's cache through all that is done with them; a padded copy of the clip would not.
    if len(samples) < n_fft:
        raise DataError(f"{len(samples)} samples are fewer than one frame of {n_fft}; leave the clip out, or use a smaller n_fft")
    samples, half = samples.astype(np.float32, copy=False), n_fft // 2
    before = np.pad(samples[:n_fft], (half, 0), mode=pad_mode)[:half]
    after = np.pad(samples[-n_fft:], (0, half), mode=pad_mode)[-half:]
    for first in range(0, 1 + len(samples) // hop_length, BLOCK_FRAMES):
        start = first * hop_length - half
        stop = start + (BLOCK_FRAMES - 1) * hop_length + n_fft
        part = samples[max(start, 0) : stop]
        if start < 0:
            part = np.concatenate([before[start:], part])
        if stop > len(samples):
            part = np.concatenate([part, after])
        frames = np.lib.stride_tricks.sliding_window_view(part, n_fft)[::hop_length]
        yield slice(first, first + len(frames)), scipy.fft.rfft(frames * hann(n_fft))


def harmonic_percussive(samples: np.ndarray, spectrum: np.ndarray, *, hop_length: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Split a signal into what lasts and what strikes, by median filtering (Fitzgerald 2010).

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (n_samples,).
    spectrum : numpy.ndarray
        What :func:`stft` returns for them, complex64 (n_frames, n_bins).
    hop_length : int
        Samples from one frame to the next; a frame must be a whole number of hops.

    Returns
    -------
    harmonic, percussive : numpy.ndarray
        Two signals, float32, shape (n_samples,), that add up to the samples, as ``librosa.effects.harmonic`` and
        ``librosa.effects.percussive`` give them.

    Raises
    ------
    SettingsError
        If a frame is not a whole number of hops.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    from musicgenre.features import kernels

    n_fft = 2 * (spectrum.shape[1] - 1)
    if n_fft % hop_length:
        raise SettingsError(f"hop_length={hop_length}: a frame of {n_fft} samples is not a whole number of hops")
    magnitude = np.abs(spectrum)
    lasting = kernels.running_median(magnitude)
    striking = np.ascontiguousarray(kernels.running_median(np.ascontiguousarray(magnitude.T)).T)
    harmonic = _istft(kernels.soft_mask(lasting, striking, spectrum), len(samples), hop_length)
    return harmonic, samples - harmonic  # the two masks add up to one


def _istft(spectrum: np.ndarray, n_samples: int, hop_length: int) -> np.ndarray:
    # Overlap and add; each sample is divided by the squared windows that covered it.
    n_frames, n_fft = len(spectrum), 2 * (spectrum.shape[1] - 1)
    window = hann(n_fft)
    frames = scipy.fft.irfft(spectrum)
    frames *= window
    overlap = n_fft // hop_length
    signal, weight = (np.zeros((n_frames + overlap - 1, hop_length), np.float32) for _ in range(2))
    for i in range(overlap):
        part = slice(i * hop_length, (i + 1) * hop_length)
        signal[i : i + n_frames] += frames[:, part]
        weight[i : i + n_frames] += window[part] ** 2
    inside = slice(n_fft // 2, n_fft // 2 + n_samples)
    return signal.ravel()[inside] / weight.ravel()[inside]


@lru_cache
def _mel_blocks(sample_rate_hz: int, n_fft: int, n_mels: int) -> list[tuple[slice, slice, np.ndarray]]:
    # Librosa's (Slaney's) mel filters are nearly all zeros: keep, for each 8 bands, the bins that they cover.
    import librosa

    filters = librosa.filters.mel(sr=sample_rate_hz, n_fft=n_fft, n_mels=n_mels).T
    blocks = []
    for first in range(0, n_mels, 8):
        bands = slice(first, first + 8)
        covered = np.flatnonzero(filters[:, bands].any(axis=1))
        bins = slice(covered[0], covered[-1] + 1) if covered.size else slice(0, 1)
        blocks.append((bands, bins, np.ascontiguousarray(filters[bins, bands])))
    return blocks


def melspectrogram(power: np.ndarray, *, sample_rate_hz: int = 22050, n_mels: int = 128) -> np.ndarray:
    """Power in each mel band; the transpose of ``librosa.feature.melspectrogram``.

    Parameters
    ----------
    power : numpy.ndarray
        Squared magnitudes of what :func:`stft` returns, float32 (..., n_frames, n_bins).
    sample_rate_hz : int
        Sample rate of the signal.
    n_mels : int
        Number of mel bands between 0 Hz and half the sample rate.

    Returns
    -------
    numpy.ndarray
        float32, shape (..., n_frames, n_mels).

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    mel = np.empty((*power.shape[:-1], n_mels), np.float32)
    for bands, bins, filters in _mel_blocks(sample_rate_hz, 2 * (power.shape[-1] - 1), n_mels):
        np.matmul(power[..., bins], filters, out=mel[..., bands])
    return mel


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
        If a parameter is not what it should be, or parameters contradict each other.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """

    name: ClassVar[str]
    version: ClassVar[int]  # raise it whenever the numbers change: feature stores are named by it
    counts: ClassVar[tuple[str, ...]] = ("sample_rate_hz", "n_segments")  # parameters that are whole numbers above 0

    sample_rate_hz: int = 22050
    segment_s: float | None = 3.0
    n_segments: int = 10

    def __post_init__(self):
        for name in self.counts:
            if not isinstance(value := getattr(self, name), Integral) or value < 1:
                raise SettingsError(f"{name}={value!r} is not a whole number above 0")
            object.__setattr__(self, name, int(value))  # equal parameters have one digest, 3 as 3.0
        if not isinstance(self.segment_s, Real | None):
            raise SettingsError(f"segment_s={self.segment_s!r} is no number of seconds")
        if self.segment_s is None and self.n_segments != 1:
            raise SettingsError(f"n_segments={self.n_segments} with segment_s={self.segment_s}; a whole clip (None) is one segment")
        if self.segment_s is not None:
            if not 1 <= self.segment_s * self.sample_rate_hz < np.inf:
                raise SettingsError(f"segment_s={self.segment_s} is shorter than one sample, or no length at all")
            object.__setattr__(self, "segment_s", float(self.segment_s))

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the feature of one segment."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return np.dtype(np.float32)

    @abstractmethod
    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        """Compute the feature of one segment, shape (n_samples,)."""

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Compute the feature of all segments of a clip.

        Parameters
        ----------
        samples : numpy.ndarray
            Mono samples of the whole clip, shape (n_samples,), between -1 and 1.

        Returns
        -------
        numpy.ndarray
            Shape (n_segments, *shape), always finite.

        Raises
        ------
        DataError
            If the clip is too short for its segments, or its samples are not mono, not finite or far too large.
        """
        return np.stack([self.of_segment(segment) for segment in self.cut(samples)])

    def cut(self, samples: np.ndarray) -> np.ndarray:
        """Cut a clip into its segments, shape (n_segments, n_samples); raises what :meth:`__call__` raises.

        The last segment may be short by up to 10 % of its length and is then filled with zeros.
        """
        if samples.ndim != 1 or not np.abs(samples).max(initial=0) < audio.LOUDEST:  # NaN is not less than anything
            raise DataError("samples must be mono, finite and between -1 and 1; read the clip with musicgenre.corpora.audio.read")
        if self.segment_s is None:
            return samples[np.newaxis]
        length = round(self.segment_s * self.sample_rate_hz)
        missing = self.n_segments * length - len(samples)
        if missing > 0.1 * length:
            needed = f"{self.n_segments} segments of {self.segment_s:g} s need {self.n_segments * self.segment_s:g} s"
            raise DataError(f"clip lasts {len(samples) / self.sample_rate_hz:.1f} s; {needed}; take fewer or shorter ones")
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
    counts: ClassVar[tuple[str, ...]] = (*Feature.counts, "n_fft", "hop_length", "n_mels")

    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    top_db: float | None = 80.0
    keep_frames: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.n_fft % 2:
            raise SettingsError(f"n_fft={self.n_fft} is odd; a frame has a middle, so take an even number")
        if self.top_db is not None:
            if not isinstance(self.top_db, Real) or not self.top_db > 0:
                raise SettingsError(f"top_db={self.top_db!r} is neither null nor a number of dB above 0")
            object.__setattr__(self, "top_db", float(self.top_db))
        if self.keep_frames is not None:
            if not isinstance(self.keep_frames, Integral) or self.keep_frames < 1:
                raise SettingsError(f"keep_frames={self.keep_frames!r} is neither null nor a whole number above 0")
            object.__setattr__(self, "keep_frames", int(self.keep_frames))
        if self.segment_s is None and self.keep_frames is None:
            raise SettingsError("segment_s=None needs keep_frames: whole clips differ in length, features must not")

    @property
    def n_frames(self) -> int:
        """Number of frames of a segment."""
        return self.keep_frames or 1 + round(self.segment_s * self.sample_rate_hz) // self.hop_length

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_frames, self.n_mels)

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        mel = np.empty((1 + len(samples) // self.hop_length, self.n_mels), np.float32)
        for rows, spectrum in _stft_blocks(samples, self.n_fft, self.hop_length):
            mel[rows] = melspectrogram(np.abs(spectrum) ** 2, sample_rate_hz=self.sample_rate_hz, n_mels=self.n_mels)
        log_mel = power_to_db(mel, top_db=self.top_db)
        if self.keep_frames is None:
            return log_mel
        n_frames = len(log_mel)
        if n_frames < self.keep_frames:
            raise DataError(f"segment has {n_frames} frames; keep_frames={self.keep_frames} needs at least as many")
        return log_mel[evenly_spread(n_frames, self.keep_frames)]


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
    counts: ClassVar[tuple[str, ...]] = (*LogMel.counts, "n_mfcc")

    n_mfcc: int = 23

    def __post_init__(self):
        super().__post_init__()
        if self.n_mfcc > self.n_mels:
            raise SettingsError(f"n_mfcc={self.n_mfcc} is more than there are mel bands (n_mels={self.n_mels})")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_frames, self.n_mfcc)

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        return mfcc_from_log_mel(super().of_segment(samples), self.n_mfcc)
