"""Find faults in a corpus: repeated recordings, versions of a piece, distortion, and labels that look wrong.

Every finder proposes, none decides: a person listens and judges. The notes of each say what it cannot find.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.fft
from scipy.ndimage import uniform_filter1d
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from musicgenre.features.spectral import mfcc_from_log_mel

# Set on other seeds of the built-in corpus than the one that the book shows.
REPLICA, RECORDING, VERSION, DISTORTION = 0.999, 0.4, 0.6, 0.01
TEMPO_RATIOS = np.geomspace(1, 1.25, 9)
BLOCK = 32  # clips compared with all others at a time, so that memory stays flat


def find_repeats(track_ids: Sequence[str], log_mel: np.ndarray, *, sample_rate_hz: int = 22050, version=VERSION, recording=RECORDING) -> pd.DataFrame:
    timbre, harmony = fingerprints(log_mel), chroma(log_mel, sample_rate_hz)
    harmonies = [(stretch(harmony, ratio)) for ratio in TEMPO_RATIOS]
    found = []
    for top in range(0, len(log_mel), BLOCK):
        rows = slice(top, top + BLOCK)
        same, lag = align(timbre[rows], timbre[top:])
        alike = np.max([align(a, b)[0] for slow in harmonies for a, b in ((harmony[rows], slow[top:]), (slow[rows], harmony[top:]))], axis=0)
        i, j = np.nonzero((same >= recording) | (alike >= version))
        found += [(i[k] + top, j[k] + top, same[i[k], j[k]], alike[i[k], j[k]], lag[i[k], j[k]]) for k in range(len(i)) if j[k] > i[k]]
    ids = np.asarray(track_ids)
    return pd.DataFrame([(ids[a], ids[b], *r) for a, b, *r in found], columns=["first", "second", "recording", "version", "lag"])


def align(a: np.ndarray, b: np.ndarray, *, min_overlap: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    n_frames = a.shape[1]
    longest = int((1 - min_overlap) * n_frames)
    lags = np.arange(-longest, longest + 1)
    start, stop = np.maximum(lags, 0), n_frames + np.minimum(lags, 0)
    size = scipy.fft.next_fast_len(n_frames + longest, real=True)
    spectrum_a, spectrum_b = (scipy.fft.rfft(x, size, axis=1).transpose(1, 0, 2) for x in (a, b))
    products = scipy.fft.irfft(spectrum_a @ spectrum_b.conj().transpose(0, 2, 1), size, axis=0, overwrite_x=True)[lags]
    products /= _norms(a, start, stop)[:, :, None]
    products /= _norms(b, start - lags, stop - lags)[:, None, :]
    best = products.argmax(axis=0)
    return np.take_along_axis(products, best[None], axis=0)[0], lags[best]


def _norms(sequences, start, stop):
    energy = np.pad(np.cumsum(np.square(sequences, dtype=np.float64).sum(axis=2), axis=1), ((0, 0), (1, 0)))
    return np.sqrt(np.maximum(energy[:, stop] - energy[:, start], 1e-6)).T.astype(np.float32)


def fingerprints(log_mel, n_mfcc=40):
    change = np.diff(mfcc_from_log_mel(log_mel, n_mfcc + 1)[..., 1:], axis=1)
    return change / (change.std(axis=(0, 1)) + 1e-6)


def chroma(log_mel, sample_rate_hz, lo=200, hi=4000):
    import librosa
    hz = librosa.mel_frequencies(log_mel.shape[-1] + 2, fmin=0, fmax=sample_rate_hz / 2)[1:-1]
    bands = (hz > lo) & (hz < hi)
    distance = (12 * np.log2(hz[bands, None] / 440) - np.arange(12) + 6) % 12 - 6
    weights = np.exp(-2 * distance**2)
    x = log_mel[..., bands]
    peaks = np.maximum(x - uniform_filter1d(x, 9, axis=-1), 0)
    classes = uniform_filter1d(peaks @ (weights / weights.sum(axis=0)).astype(np.float32), 3, axis=1)
    classes -= classes.mean(axis=-1, keepdims=True)
    classes /= np.linalg.norm(classes, axis=-1, keepdims=True) + 1e-3
    return classes - classes.mean(axis=1, keepdims=True)


def stretch(x, ratio):
    n = x.shape[1]
    t = np.arange(n) * ratio
    t = t[t <= n - 1]
    lo = t.astype(int)
    w = (t - lo)[:, None].astype(np.float32)
    out = x[:, lo] * (1 - w) + x[:, np.minimum(lo + 1, n - 1)] * w
    return np.pad(out, ((0, 0), (0, n - len(t)), (0, 0)))


def find_mislabels(track_ids, features, labels, *, seed=0, n_folds=10, c=1.0):
    labels = np.asarray(labels)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    p = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")
    genres, given = np.unique(labels, return_inverse=True)
    own = p[np.arange(len(p)), given]
    usual = np.array([own[given == k].mean() for k in range(len(genres))])
    sure = np.where(p >= usual, p, 0)
    guess = sure.argmax(1)
    suspect = (sure.max(1) > 0) & (guess != given)
    t = pd.DataFrame({"label": labels, "suspected": genres[guess], "p_label": own, "p_suspected": p[np.arange(len(p)), guess]}, index=track_ids)
    return t[suspect].sort_values("p_label"), (p.argmax(1) == given).mean()
