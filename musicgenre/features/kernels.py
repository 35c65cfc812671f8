"""Compiled inner loops; imported only where they are needed, because numba is slow to import."""

from collections.abc import Iterable

import numpy as np
from numba import njit

WIDTH = 31  # values in a window of the running median: librosa's kernel size for the harmonic-percussive split
COLUMNS = 128  # processed side by side, so that the processor's vector units compare many values at once


def sorting_network(n: int, ranks: Iterable[int]) -> np.ndarray:
    """Return the compare-and-swap pairs of Batcher's odd-even merge sort of n >= 2 values, less those that the given ranks do not need."""
    pairs = []
    step = top = 1 << ((n - 1).bit_length() - 1)
    while step:
        reach, distance, parity = top, step, 0
        while True:
            pairs += [(i, i + distance) for i in range(n - distance) if i & step == parity]
            if reach == step:
                break
            reach, distance, parity = reach // 2, reach - step, step
        step //= 2
    needed, kept = set(ranks), []
    for pair in reversed(pairs):
        if needed.intersection(pair):
            needed.update(pair)
            kept.append(pair)
    return np.array(kept[::-1])


_MIDDLE = WIDTH // 2
_NETWORK = sorting_network(WIDTH - 1, (_MIDDLE - 1, _MIDDLE))


def running_median(values: np.ndarray) -> np.ndarray:
    """Median of 31 neighbours along the first axis, ends mirrored: float32 (n, n_columns) -> (n, n_columns), n >= 2.

    The numbers of ``scipy.ndimage.median_filter(values, size=(31, 1), mode="reflect")``.
    """
    return _running_median(np.pad(values, [(_MIDDLE, _MIDDLE), (0, 0)], mode="symmetric"), _NETWORK)


@njit(cache=True, nogil=True)
def _running_median(padded, network):
    # Two neighbouring windows share 30 values. The median of either is the middle one of three: the two in the middle
    # of the shared values, and the one value that the window has to itself.
    n, n_columns = padded.shape[0] - WIDTH + 1, padded.shape[1]
    medians = np.empty((n, n_columns), padded.dtype)
    shared = np.zeros((WIDTH - 1, COLUMNS), padded.dtype)
    for column in range(0, n_columns, COLUMNS):
        width = min(COLUMNS, n_columns - column)
        for pair in range(0, n, 2):
            first = min(pair, n - 2)
            shared[:, :width] = padded[first + 1 : first + WIDTH, column : column + width]
            for i, j in network:
                for c in range(COLUMNS):
                    a, b = shared[i, c], shared[j, c]
                    shared[i, c], shared[j, c] = min(a, b), max(a, b)
            for window in range(2):
                for c in range(width):
                    own = padded[first + window * WIDTH, column + c]
                    medians[first + window, column + c] = min(max(own, shared[_MIDDLE - 1, c]), shared[_MIDDLE, c])
    return medians


@njit(cache=True, nogil=True)
def soft_mask(values, others, spectrum):
    """Share of the spectrum that belongs to ``values``: spectrum * values² / (values² + others²); half where both are 0."""
    masked = np.empty_like(spectrum)
    for t in range(spectrum.shape[0]):
        for k in range(spectrum.shape[1]):
            a, b = np.float64(values[t, k]) ** 2, np.float64(others[t, k]) ** 2
            masked[t, k] = spectrum[t, k] * np.float32(a / (a + b) if a + b > 0 else 0.5)
    return masked
