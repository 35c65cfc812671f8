"""The 57 numbers of the well-known GTZAN feature table, from one spectrum instead of ten."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import scipy.fft

from musicgenre.features.spectral import Feature, hann, harmonic_percussive, melspectrogram, mfcc_from_log_mel, power_to_db, stft

N_FFT, HOP_LENGTH, N_MFCC = 2048, 512, 20
TINY = np.finfo(np.float32).tiny  # sums below it count as silence
_PAIRS = ("chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff", "zero_crossing_rate", "harmony", "perceptr")

#: Names of the 57 numbers, in the order of the table.
COLUMNS: tuple[str, ...] = (
    *(f"{name}_{statistic}" for name in _PAIRS for statistic in ("mean", "var")),
    "tempo",
    *(f"mfcc{i}_{statistic}" for i in range(1, N_MFCC + 1) for statistic in ("mean", "var")),
)


@dataclass(frozen=True, kw_only=True)
class Vector57(Feature):
    """The 57 numbers of each segment (:data:`COLUMNS`), float64: mean and variance of 28 features, and the tempo.

    Equal to what librosa's functions give with their defaults: ``feature.chroma_stft``, ``rms``, ``spectral_centroid``,
    ``spectral_bandwidth``, ``spectral_rolloff``, ``zero_crossing_rate``, ``effects.harmonic``, ``effects.percussive``,
    ``beat.beat_track`` and ``feature.mfcc``. By default the whole clip is one segment.

    Parameters
    ----------
    librosa_0_7 : bool
        Give the numbers of the well-known table. It was made with librosa 0.7, which differs from today's in two ways:
        signals go on as their mirror image beyond their ends, instead of as silence, in all but the zero-crossing rate;
        and the harmonic and the percussive part are silent after the last whole hop. Other parameters as :class:`Feature`.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """

    name: ClassVar[str] = "vector57"
    version: ClassVar[int] = 1

    segment_s: float | None = None
    n_segments: int = 1
    librosa_0_7: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(COLUMNS),)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float64)

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        pad_mode = "reflect" if self.librosa_0_7 else "constant"
        spectrum = stft(samples, n_fft=N_FFT, hop_length=HOP_LENGTH, pad_mode=pad_mode)
        magnitude = np.abs(spectrum)
        power = magnitude**2
        log_mel = power_to_db(melspectrogram(power, sample_rate_hz=self.sample_rate_hz))
        harmonic, percussive = harmonic_percussive(samples, spectrum, hop_length=HOP_LENGTH)
        if self.librosa_0_7:
            end = len(samples) // HOP_LENGTH * HOP_LENGTH
            harmonic[end:] = percussive[end:] = 0
        series = [
            chroma(power, self.sample_rate_hz),
            rms(samples, pad_mode),
            *spectral_shape(magnitude, self.sample_rate_hz),
            zero_crossing_rate(samples),
            harmonic,
            percussive,
        ]
        pairs = [(np.mean(values, dtype=np.float64), np.var(values, dtype=np.float64)) for values in series]
        mfcc = mfcc_from_log_mel(log_mel, N_MFCC).astype(np.float64)
        mfcc_pairs = np.stack([mfcc.mean(axis=0), mfcc.var(axis=0)], axis=1)
        return np.concatenate([np.ravel(pairs), [tempo(log_mel, self.sample_rate_hz)], mfcc_pairs.ravel()])


def spectral_shape(magnitude: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centroid, bandwidth and 85 % roll-off of each frame in Hz, from magnitudes (n_frames, n_bins); 0 where silent."""
    hz_per_bin = sample_rate_hz / N_FFT
    bins = np.arange(magnitude.shape[1], dtype=np.float32)
    running = np.cumsum(magnitude, axis=1)
    total = running[:, -1:]
    weights = magnitude / np.where(total > TINY, total, 1)
    centroid = weights @ bins
    bandwidth = np.sqrt(np.einsum("tk,tk->t", weights, (bins - centroid[:, None]) ** 2))
    rolloff = np.count_nonzero(running < 0.85 * total, axis=1)
    return centroid * hz_per_bin, bandwidth * hz_per_bin, rolloff * hz_per_bin


def rms(samples: np.ndarray, pad_mode: str = "constant") -> np.ndarray:
    """Root mean square of each frame, shape (n_frames,)."""
    hops = _hops(np.pad(samples, N_FFT // 2, mode=pad_mode))
    return np.sqrt(_frame_sums(np.einsum("hs,hs->h", hops, hops)) / N_FFT)


def zero_crossing_rate(samples: np.ndarray) -> np.ndarray:
    """Share of each frame's samples whose sign differs from the one before, shape (n_frames,); within 1e-10 of 0 is positive."""
    negative = np.pad(samples < -1e-10, N_FFT // 2, mode="edge")
    crossings = _hops(negative != np.roll(negative, 1))
    counts = _frame_sums(np.count_nonzero(crossings, axis=1))
    return (counts - crossings[: len(counts), 0]) / N_FFT  # the first sample of a frame has none before it


def _hops(padded: np.ndarray) -> np.ndarray:
    return padded[: len(padded) // HOP_LENGTH * HOP_LENGTH].reshape(-1, HOP_LENGTH)


def _frame_sums(hop_sums: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(hop_sums, N_FFT // HOP_LENGTH).sum(axis=1)


def chroma(power: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Energy of the 12 pitch classes of each frame, relative to the strongest: (n_frames, 12), as ``librosa.feature.chroma_stft``."""
    values = power @ _chroma_filters(sample_rate_hz, tuning(power, sample_rate_hz)).T
    strongest = values.max(axis=1, keepdims=True)
    return values / np.where(strongest > TINY, strongest, 1)


@lru_cache(maxsize=128)
def _chroma_filters(sample_rate_hz: int, tuning: float) -> np.ndarray:
    import librosa

    return librosa.filters.chroma(sr=sample_rate_hz, n_fft=N_FFT, tuning=tuning)


def tuning(power: np.ndarray, sample_rate_hz: int) -> float:
    """Deviation from A = 440 Hz in semitones, as ``librosa.estimate_tuning(S=power.T)``: the most common one of the peaks."""
    import librosa

    hz = np.arange(power.shape[1]) * sample_rate_hz / N_FFT
    low, high = np.searchsorted(hz, [150.0, min(4000.0, sample_rate_hz / 2)])
    left, middle, right = (power[:, low + i : high + i] for i in (-1, 0, 1))
    floor = 0.1 * power.max(axis=1, keepdims=True)
    frame, k = np.nonzero((middle > left) & (middle >= right) & (middle > floor))
    if len(frame) == 0:
        return 0.0
    left, middle, right = left[frame, k], middle[frame, k], right[frame, k]
    slope, curve = (right - left) / 2, left + right - 2 * middle
    shift = np.where(np.abs(slope) < np.abs(curve), -slope / curve, 0)
    peak = middle + slope * shift / 2
    pitch_hz = ((k + low + shift) * sample_rate_hz / N_FFT).astype(np.float32)
    return float(librosa.pitch_tuning(pitch_hz[peak >= np.median(peak)]))


def tempo(log_mel: np.ndarray, sample_rate_hz: int) -> float:
    """Tempo in beats per minute, as ``librosa.beat.beat_track`` reports it; 0 where nothing ever starts."""
    n_frames = len(log_mel)
    rise = np.median(np.maximum(np.diff(log_mel, axis=0), 0), axis=1)
    onsets = np.pad(rise, (1 + N_FFT // (2 * HOP_LENGTH), 0))[:n_frames].astype(np.float64)
    if not onsets.any():
        return 0.0
    size = int(8.0 * sample_rate_hz / HOP_LENGTH)  # autocorrelation over 8 s
    padded = np.pad(onsets, size // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:n_frames] * hann(size)
    spectra = scipy.fft.rfft(frames, scipy.fft.next_fast_len(2 * size - 1, real=True))
    energy = np.square(frames).sum(axis=1)
    mean_power = (np.square(np.abs(spectra)) / np.where(energy > TINY, energy, 1)[:, None]).mean(axis=0)
    correlation = scipy.fft.irfft(mean_power, scipy.fft.next_fast_len(2 * size - 1, real=True))[1:size]
    bpm = 60 * sample_rate_hz / (HOP_LENGTH * np.arange(1, size))
    score = np.log1p(1e6 * correlation) - 0.5 * np.log2(bpm / 120) ** 2  # tempi near 120 are likelier
    score[bpm >= 320] = -np.inf
    return float(bpm[score.argmax()])
