"""Time feature extraction beside librosa's own loop: in turn, in one run, on one core, as ratios.

Numbers are checked for equality before anything is timed. Run it with ``make bench``, on a machine that does nothing else.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # before numpy is imported

import platform
import time
from collections.abc import Callable
from importlib.metadata import version

import librosa
import numpy as np

from musicgenre import corpora
from musicgenre.corpora import audio
from musicgenre.features import LogMel, Mfcc, Vector57

ROUNDS = 7


def log_mel_by_librosa(path: str) -> np.ndarray:
    samples, rate = librosa.load(path)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate)).T


def mfcc_by_librosa(path: str) -> np.ndarray:
    samples, rate = librosa.load(path)
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=23).T


def vector57_by_librosa(path: str) -> np.ndarray:
    """Compute the 57 numbers by the well-known recipe: one call of librosa for each feature."""
    y, sr = librosa.load(path)
    series = [
        librosa.feature.chroma_stft(y=y, sr=sr),
        librosa.feature.rms(y=y),
        librosa.feature.spectral_centroid(y=y, sr=sr),
        librosa.feature.spectral_bandwidth(y=y, sr=sr),
        librosa.feature.spectral_rolloff(y=y, sr=sr),
        librosa.feature.zero_crossing_rate(y),
        librosa.effects.harmonic(y),
        librosa.effects.percussive(y),
    ]
    tempo = np.ravel(librosa.beat.beat_track(y=y, sr=sr)[0])
    series_mfcc = list(librosa.feature.mfcc(y=y, sr=sr))
    pairs = [np.array([[values.mean(), values.var()] for values in part]).ravel() for part in (series, series_mfcc)]
    return np.concatenate([pairs[0], tempo, pairs[1]])


def seconds(function: Callable[[str], np.ndarray], paths: list[str]) -> float:
    started = time.perf_counter()
    for path in paths:
        function(path)
    return (time.perf_counter() - started) / len(paths)


def main() -> None:
    paths = corpora.load("synthetic").clips["path"].tolist()
    whole_log_mel = LogMel(segment_s=29.99, n_segments=1)
    whole_mfcc = Mfcc(n_mfcc=23, segment_s=29.99, n_segments=1)
    vector = Vector57()
    cases = {
        "log-mel, 128 bands": (lambda path: whole_log_mel(audio.read(path))[0], log_mel_by_librosa, {"atol": 1e-2}),
        "23 MFCCs": (lambda path: whole_mfcc(audio.read(path))[0], mfcc_by_librosa, {"atol": 5e-2}),
        "57 numbers": (lambda path: vector(audio.read(path))[0], vector57_by_librosa, {"rtol": 1e-3, "atol": 1e-5}),
    }
    print(f"{platform.machine()}, {os.cpu_count()} cores, one used; Python {platform.python_version()}", end=", ")
    print(", ".join(f"{name} {version(name)}" for name in ("librosa", "numpy", "scipy", "numba")))
    print(f"{'one clip of 30 s, decoding included':36s} {'ours':>9s} {'librosa':>9s} {'ratio':>7s}  (fastest of {ROUNDS} rounds in turn)")
    for name, (ours, theirs, tolerance) in cases.items():
        a, b = ours(paths[0]), theirs(paths[0])
        frames = min(len(a), len(b)) - 4 if a.ndim == 2 else None  # the last frames reach beyond the cut at 29.99 s
        assert np.allclose(a[:frames], b[:frames], **tolerance), f"{name}: the numbers differ, so times cannot be compared"
        some = paths[1:4]
        times = [(seconds(ours, some), seconds(theirs, some)) for _ in range(ROUNDS)]
        best_ours, best_theirs = (min(column) for column in zip(*times, strict=True))
        print(f"{name:36s} {1e3 * best_ours:6.1f} ms {1e3 * best_theirs:6.1f} ms {best_theirs / best_ours:6.1f}×")


if __name__ == "__main__":
    main()
