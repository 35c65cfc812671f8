"""Import ready-made features: log-mel archives (``.npz``) and the well-known tables of 57 features (``.csv``)."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from musicgenre.corpora import fma, gtzan
from musicgenre.corpora.folder import files_below
from musicgenre.errors import DataError, SettingsError
from musicgenre.features import LogMel
from musicgenre.features.store import FeatureStore, fill
from musicgenre.features.vector57 import COLUMNS

#: What each archive holds: file name, corpus, feature. The hop of GTZAN is 77 ms on average, that of FMA-small 0.23 s.
GTZAN_LOG_MEL = LogMel(segment_s=None, n_segments=1, keep_frames=387)
FMA_LOG_MEL = LogMel(sample_rate_hz=44100, segment_s=None, n_segments=1, keep_frames=128)
ARCHIVES = {"gtzan": ("gtzan_logmel.npz", GTZAN_LOG_MEL), "fma_small": ("fma_small_logmel.npz", FMA_LOG_MEL)}


def find(data: Path | None, name: str) -> Path | None:
    """Return the file of this name in the data folder, or below it; None where there is no such folder or file.

    Hidden folders, such as a disk's bin, are passed over.

    Raises
    ------
    AccessError
        If the system does not let a folder be read.
    DataError
        If there is more than one.
    """
    below = [file for file in files_below(data) if file.name == name] if data else []
    shown = (file for file in below if not any(part.startswith(".") for part in file.relative_to(data).parts))
    found = sorted({file.resolve() for file in shown})  # links are no second file
    if len(found) > 1:
        raise DataError(f"{len(found)} files named {name} below {data}; keep one of them there")
    return found[0] if found else None


def import_log_mel(corpus_name: str, path: Path, *, progress: bool = True) -> FeatureStore:
    """Fill the feature store of the ``lite`` profile from a log-mel archive.

    Parameters
    ----------
    corpus_name : {"gtzan", "fma_small"}
        Which of the two formats of :data:`ARCHIVES` the file has.
    path : Path
        ``gtzan_logmel.npz``: ``code`` uint8 (n, 128, 387), level in steps of 1/255 of the floor. ``fma_small_logmel.npz``:
        ``code_delta`` uint8 (n, 128, 128), differences along the mel axis, in steps of 3/255 of the floor. Both: ``floor_db``
        (below the peak) and ``peak_db`` (n,), ``track_id``, ``genre``.
    progress : bool
        Show a progress bar.

    Returns
    -------
    FeatureStore
        Log-mel values in dB, float32, (n_clips, 1, n_frames, n_mels).

    Raises
    ------
    DataError
        If the file is not such an archive; the message names what is wrong.
    SettingsError
        If there is no archive of that corpus.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    if corpus_name not in ARCHIVES:
        raise SettingsError(f"there is no log-mel archive of {corpus_name!r}; use one of {', '.join(ARCHIVES)}")
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: missing, incomplete or not an .npz file; fetch it again")
    _, feature = ARCHIVES[corpus_name]
    key = "code" if corpus_name == "gtzan" else "code_delta"
    try:
        with np.load(path, allow_pickle=False) as archive:
            code, floor_db, peak_db, track_id, genre = (archive[name] for name in (key, "floor_db", "peak_db", "track_id", "genre"))
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds where a file is damaged
        raise DataError(f"{path}: not a log-mel archive of {corpus_name} ({error})") from None
    n_frames, n_mels = feature.shape
    if code.dtype != np.uint8 or code.shape != (len(track_id), n_mels, n_frames):
        raise DataError(f"{path}: {key} is {code.dtype} {code.shape}, expected uint8 ({len(track_id)}, {n_mels}, {n_frames})")
    for name, values in (("floor_db", floor_db), ("peak_db", peak_db)):
        if values.shape != track_id.shape or values.dtype.kind != "f" or not np.isfinite(values).all():
            raise DataError(f"{path}: {name} must be a finite number for each of the {len(track_id)} clips")
    missing = "not in the log-mel archive"
    corpus = gtzan.from_facts(track_id, missing) if corpus_name == "gtzan" else fma.from_labels(track_id, genre)
    row_of = np.argsort(np.char.zfill(track_id.astype(str), 6))  # a corpus is sorted by id; those of FMA have six digits

    def read_rows(rows: range) -> np.ndarray:
        take = row_of[rows.start : rows.stop]
        steps = code[take] if corpus_name == "gtzan" else 3.0 * np.cumsum(code[take], axis=1, dtype=np.uint8)
        floor = floor_db[take, None, None]
        db = floor * (1 - steps / np.float32(255)) + peak_db[take, None, None]
        return db.transpose(0, 2, 1)[:, None].astype(np.float32)

    return fill(FeatureStore.create(corpus, feature, f"archive:{file_digest(path)}"), read_rows, progress=progress)


def read_feature_table(path: Path) -> pd.DataFrame:
    """Read a table of the 57 features: ``features_30_sec.csv``, or the same columns on slices of a clip.

    Returns
    -------
    pandas.DataFrame
        One row a clip or slice, index (``track_id``, ``slice``), the 57 columns in the order of
        :data:`musicgenre.features.vector57.COLUMNS`, float64, sorted by index.

    Raises
    ------
    DataError
        If a column is missing, a file name does not name a clip, or a value is not a finite number.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path}: not a readable table ({error})") from None
    missing = [column for column in ("filename", *COLUMNS) if column not in table]
    if missing:
        raise DataError(f"{path}: no column {missing[0]}; expected a file name and the 57 features")
    names = table["filename"].astype(str).str.extract(r"^([a-z]+\.\d{5})(?:\.(\d+))?\.wav$")
    if names[0].isna().any():
        raise DataError(f"{path}: file name {table['filename'][names[0].isna()].iloc[0]!r} does not name a clip like blues.00000.wav")
    values = table[list(COLUMNS)].apply(pd.to_numeric, errors="coerce").astype(float)
    if not np.isfinite(values.to_numpy()).all():
        row, column = np.argwhere(~np.isfinite(values.to_numpy()))[0]
        raise DataError(f"{path}: {COLUMNS[column]} of {table['filename'][row]} is not a finite number")
    values.index = pd.MultiIndex.from_arrays([names[0], names[1].fillna("0").astype(int)], names=["track_id", "slice"])
    if values.index.has_duplicates:
        track_id, number = values.index[values.index.duplicated()][0]
        raise DataError(f"{path}: slice {number} of {track_id} occurs more than once")
    return values.sort_index()


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    return pooch.file_hash(str(path))[:16]
