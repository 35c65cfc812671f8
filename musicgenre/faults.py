"""Find faults in a corpus: repeated recordings, versions of a piece, distortion, and labels that look wrong.

Each finder proposes; to decide takes a person who listens. The thresholds were set on the seeds 1, 2 and 3 of the built-in corpus, where
they find 15 of 15 replicas and 10 of 12 versions, with one false alarm; the book shows seed 0, and GTZAN.
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

from musicgenre.corpora import audio
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError
from musicgenre.features.spectral import mfcc_from_log_mel

REPLICA, RECORDING, VERSION = 0.999, 0.4, 0.6  # least similarity of each kind of repeat
DISTORTED = 0.05  # least share of samples at the limits; of a pure tone it is nearly 0.03
TEMPO_RATIOS = np.geomspace(1, 1.25, 9)
FOLDS = 5  # of the cross-validation that finds doubtful labels
FRAMES = 32  # least number of frames that can tell clips apart
BLOCK = 32  # clips that are compared with all others at a time


def find_repeats(track_ids: Sequence[str], log_mel: np.ndarray, *, sample_rate_hz: int = 22050) -> pd.DataFrame:
    """Find pairs of clips that hold the same recording or the same piece.

    Parameters
    ----------
    track_ids : sequence of str
        Name of each clip.
    log_mel : numpy.ndarray
        dB, float32, shape (n_clips, n_frames, n_mels), the same time between frames throughout.
    sample_rate_hz : int
        Sample rate of the audio; the mel bands reach up to half of it.

    Returns
    -------
    pandas.DataFrame
        One row a pair, most alike first: ``first``, ``second``; ``kind``: ``replica`` (alike in every frame), ``recording`` (the same one,
        shifted, cut or processed) or ``version`` (the same notes, perhaps at another tempo); ``recording`` and ``version``, the
        similarities of :func:`fingerprint` and :func:`chroma`, 1 at most; ``lag_frames``, by how much the first clip begins earlier.

    Raises
    ------
    DataError
        If there are no clips, too few frames, or the values have another shape or are not finite.

    Notes
    -----
    Not found: recordings that share less than half a clip or run at another speed; versions in another key, or with tempi more than 25 %
    apart. Pieces made of the same loops look like repeats. Taught in the notebook ``01_the_data``.
    """
    if log_mel.ndim != 3 or 0 in log_mel.shape or len(log_mel) != len(track_ids) or not np.isfinite(log_mel).all():
        raise DataError(
            f"log_mel of shape {log_mel.shape} must be finite and of shape ({len(track_ids)}, n_frames, n_mels), one row a clip"
        )
    if log_mel.shape[1] < FRAMES:
        raise DataError(f"log_mel has {log_mel.shape[1]} frames a clip; with fewer than {FRAMES}, clips are alike by chance")
    timbre, notes = fingerprint(log_mel), chroma(log_mel, sample_rate_hz)
    sped_up = [faster(notes, ratio) for ratio in TEMPO_RATIOS]
    found = []
    for start in range(0, len(log_mel), BLOCK):
        rows = slice(start, start + BLOCK)
        recording, lag = align(timbre[rows], timbre[start:])
        pairs = [pair for fast in sped_up for pair in ((notes[rows], fast[start:]), (fast[rows], notes[start:]))]
        version = np.max([align(*pair)[0] for pair in pairs], axis=0)
        i, j = np.nonzero(np.triu((recording >= RECORDING) | (version >= VERSION), k=1))
        found.append(
            pd.DataFrame(
                {"first": i + start, "second": j + start, "recording": recording[i, j], "version": version[i, j], "lag_frames": lag[i, j]}
            )
        )
    table = pd.concat(found).sort_values(["recording", "version"], ascending=False, ignore_index=True)
    table[["first", "second"]] = np.asarray(track_ids, dtype=object)[table[["first", "second"]]]
    kind = np.select([table["recording"] >= REPLICA, table["recording"] >= RECORDING], ["replica", "recording"], "version")
    table.insert(2, "kind", kind)
    return table


def align(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlate each sequence of ``a`` with each of ``b``, (n, n_frames, n_values), at every lag that leaves half of it to compare.

    Returns the highest correlation of each pair and its lag in frames, both (n_a, n_b). A product of spectra is a correlation at all
    lags at once. Taught in the notebook ``01_the_data``.
    """
    n_frames = a.shape[1]
    lags = np.arange(-(n_frames // 2), n_frames // 2 + 1)
    start, stop = np.maximum(lags, 0), n_frames + np.minimum(lags, 0)  # the frames of a that meet one of b
    size = scipy.fft.next_fast_len(n_frames + n_frames // 2, real=True)
    spectrum_a, spectrum_b = (scipy.fft.rfft(sequences, size, axis=1).transpose(1, 0, 2) for sequences in (a, b))
    correlation = scipy.fft.irfft(spectrum_a @ spectrum_b.conj().transpose(0, 2, 1), size, axis=0)[lags]
    correlation /= _norms(a, start, stop)[:, :, None]
    correlation /= _norms(b, start - lags, stop - lags)[:, None, :]
    best = correlation.argmax(axis=0)
    return np.take_along_axis(correlation, best[None], axis=0)[0], lags[best]


def _norms(sequences: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    energy = np.pad(np.square(sequences, dtype=np.float64).sum(axis=2).cumsum(axis=1), ((0, 0), (1, 0)))
    return np.sqrt(np.maximum(energy[:, stop] - energy[:, start], 1e-3)).T.astype(np.float32)


def fingerprint(log_mel: np.ndarray) -> np.ndarray:
    """Return the changes of 40 MFCCs from frame to frame, on a common scale: float32 (n_clips, n_frames - 1, 40).

    Loudness, and all that stays the same in a clip, leaves no trace in them. Taught in the notebook ``01_the_data``.
    """
    change = np.diff(mfcc_from_log_mel(log_mel, 41)[..., 1:], axis=1)
    return change / np.maximum(change.std(axis=(0, 1)), 1e-6)


def chroma(log_mel: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Return what stands out of the spectrum, by pitch class, without the mean of each clip: float32 (n_clips, n_frames // 2, 12).

    Mel bands are wider than half-tones in the bass: coarse, but enough to compare. Taught in the notebook ``01_the_data``.
    """
    import librosa

    hz = librosa.mel_frequencies(log_mel.shape[-1] + 2, fmin=0, fmax=sample_rate_hz / 2)[1:-1]
    bands = (hz > 200) & (hz < 4000)
    distance = (12 * np.log2(hz[bands, None] / 440) - np.arange(12) + 6) % 12 - 6  # half-tones from each pitch class
    weights = np.exp(-2 * distance**2)
    level = log_mel[..., bands]
    peaks = np.maximum(level - uniform_filter1d(level, 9, axis=-1), 0)
    classes = uniform_filter1d(peaks @ (weights / weights.sum(axis=0)).astype(np.float32), 3, axis=1)[:, 1::2]
    classes -= classes.mean(axis=-1, keepdims=True)
    classes /= np.linalg.norm(classes, axis=-1, keepdims=True) + 1e-3
    return classes - classes.mean(axis=1, keepdims=True)


def faster(sequences: np.ndarray, ratio: float) -> np.ndarray:
    """Play sequences (n, n_frames, n_values) faster by a factor; zeros fill the end. Taught in the notebook ``01_the_data``."""
    position = np.arange(0, sequences.shape[1] - 1, ratio)
    left = position.astype(int)
    weight = (position - left)[:, None].astype(np.float32)
    played = sequences[:, left] * (1 - weight) + sequences[:, left + 1] * weight
    return np.pad(played, ((0, 0), (0, sequences.shape[1] - len(position)), (0, 0)))


def find_distortion(corpus: Corpus) -> pd.DataFrame:
    """Find clips that were cut off at the limits of their sample values.

    Returns
    -------
    pandas.DataFrame
        Index ``track_id``, column ``clipped``: the share of samples within 0.1 % of the clip's highest magnitude, if 5 % or more.

    Raises
    ------
    DataError
        If a clip has no audio file, or a damaged one.

    Notes
    -----
    Not found: any other noise or damage, and clipping that a lossy format has smoothed. Taught in the notebook ``01_the_data``.
    """
    level = ((track_id, np.abs(audio.read(path, sample_rate_hz=None))) for track_id, path in corpus.audio_paths.items())
    clipped = pd.Series({track_id: np.mean((values >= 0.999 * values.max()) & (values > 0)) for track_id, values in level}, name="clipped")
    return clipped[clipped >= DISTORTED].sort_values(ascending=False).rename_axis("track_id").to_frame()


def find_mislabels(track_ids: Sequence[str], features: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
    """Find clips that a model, trained on the others, is sure to be of another genre (confident learning, Northcutt et al. 2021).

    Parameters
    ----------
    track_ids, labels : sequence of str
        Name and genre of each clip.
    features : numpy.ndarray
        Shape (n_clips, n_values).

    Returns
    -------
    pandas.DataFrame
        Index ``track_id``, the least credible label first: ``label``, ``suspected`` genre, and the probability of each. "Sure" is a
        probability no lower than clips of the suspected genre have on average for their own.

    Raises
    ------
    DataError
        If there are fewer than two genres, or one has fewer clips than the cross-validation has folds.

    Notes
    -----
    A clip of another genre and a clip that only sounds like one look the same to it. Errors that a whole genre or artist shares are
    learned, not found. Taught in the notebook ``01_the_data``.
    """
    genres, given, counts = np.unique(np.asarray(labels, dtype=str), return_inverse=True, return_counts=True)
    if len(genres) < 2:
        raise DataError(f"clips of {len(genres)} genre cannot be told apart; take clips of at least two")
    if counts.min() < FOLDS:
        raise DataError(f"genre {genres[counts.argmin()]} has {counts.min()} clips, too few for {FOLDS} folds; leave it out")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    probability = cross_val_predict(model, features, given, cv=folds, method="predict_proba")
    clips = np.arange(len(given))
    usual = np.array([probability[given == genre, genre].mean() for genre in range(len(genres))])
    suspected = np.where(probability >= usual, probability, 0).argmax(axis=1)
    sure = (probability[clips, suspected] >= usual[suspected]) & (suspected != given)
    table = pd.DataFrame({"label": genres[given], "suspected": genres[suspected]}, index=pd.Index(track_ids, name="track_id"))
    table = table.assign(p_label=probability[clips, given], p_suspected=probability[clips, suspected])
    return table[sure].sort_values("p_label")
