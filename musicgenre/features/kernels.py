"""Compiled inner loops (numba); imported only when a feature is computed, because numba is slow to import."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def mel_power(spectrum, weights, starts, stops):
    """Weighted power of each mel band: complex64 (n_frames, n_bins) -> float32 (n_frames, n_mels); band m reaches from bin starts[m] to stops[m]."""
    n_frames, n_bins = spectrum.shape
    mel = np.empty((n_frames, len(starts)), np.float32)
    power = np.empty(n_bins, np.float32)
    for frame in range(n_frames):
        for k in range(n_bins):
            power[k] = spectrum[frame, k].real ** 2 + spectrum[frame, k].imag ** 2
        for m in range(len(starts)):
            total = np.float32(0)
            for k in range(starts[m], stops[m]):
                total += weights[m, k] * power[k]
            mel[frame, m] = total
    return mel


@njit(cache=True, nogil=True)
def sliding_median(rows, width):
    """Median of every run of ``width`` (odd) values along the last axis: (n_rows, n) -> (n_rows, n - width + 1)."""
    n_rows, n = rows.shape
    medians = np.empty((n_rows, n - width + 1), rows.dtype)
    for row in range(n_rows):
        values = rows[row]
        window = np.sort(values[:width])
        medians[row, 0] = window[width // 2]
        for i in range(width, n):
            old, new = values[i - width], values[i]
            at = np.searchsorted(window, old)
            while at + 1 < width and window[at + 1] < new:
                window[at] = window[at + 1]
                at += 1
            while at > 0 and window[at - 1] > new:
                window[at] = window[at - 1]
                at -= 1
            window[at] = new
            medians[row, i - width + 1] = window[width // 2]
    return medians
