"""The feature store: one folder for each corpus, feature and set of parameters, on disk as Zarr.

Values are written in chunks of whole clips, so that memory stays flat however large the corpus, several
processes or machines can write at once, and an extraction that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import zarr
import zarr.codecs
from tqdm.auto import tqdm

from musicgenre import atomic, settings
from musicgenre.corpora import audio
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import AccessError, DataError

CHUNK_CLIPS = 8  # clips in one chunk: the unit of work, and all that a kill can lose
COMPRESSOR = zarr.codecs.BloscCodec(cname="lz4", shuffle="shuffle")  # for float32 faster and smaller than Zarr's default
PENDING, DONE, FAILED = 0, 1, 2


def describe(feature, source: str = "audio") -> dict:
    """Return a feature's name, version, parameters, source and their hash, as kept in run records.

    Parameters
    ----------
    feature
        One of the features of :mod:`musicgenre.features`.
    source : str
        ``audio``, or where ready-made values came from (``archive:`` or ``table:`` and its hash).
    """
    described = {"name": feature.name, "version": feature.version, "parameters": asdict(feature), "source": source}
    described["digest"] = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    return described


@dataclass(frozen=True, eq=False)
class FeatureStore:
    """Extracted values of one feature for the clips of one corpus.

    Parameters
    ----------
    corpus : Corpus
        The clips, in the order of the rows of the store.
    feature
        The feature whose values it holds.
    folder : Path
        The Zarr group of :attr:`values` and :attr:`status`.
    source : str
        Where the values came from; see :func:`describe`.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """

    corpus: Corpus
    feature: object
    folder: Path
    source: str = "audio"

    @classmethod
    def create(cls, corpus: Corpus, feature, source: str = "audio") -> FeatureStore:
        """Open the store of this corpus and feature in the cache folder; make it where there is none."""
        key = f"{corpus.digest}-{_state_of_files(corpus)}-{describe(feature, source)['digest']}"
        folder = settings.cache_folder() / "features" / f"{corpus.name}-{feature.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.zarr"
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=folder.stem, dir=folder.parent))
            group = zarr.open_group(made, mode="w")
            shape = (len(corpus), feature.n_segments, *feature.shape)
            group.create_array("values", shape=shape, chunks=(CHUNK_CLIPS, *shape[1:]), dtype=feature.dtype, compressors=COMPRESSOR)
            group.create_array("status", shape=shape[:1], chunks=(CHUNK_CLIPS,), dtype="uint8", fill_value=PENDING)
            (made / "failures").mkdir()
            try:
                os.replace(made, folder)
            except OSError:
                shutil.rmtree(made)
                if not folder.is_dir():  # else another process was quicker: use its store
                    raise
        return cls(corpus, feature, folder, source)

    @property
    def values(self) -> zarr.Array:
        """Values on disk, (n_clips, n_segments, …): a slice reads its chunks alone. Zeros where a clip is pending or failed."""
        return zarr.open_group(self.folder, mode="r")["values"]

    @property
    def status(self) -> np.ndarray:
        """State of each clip, uint8 array of shape (n_clips,): 0 pending, 1 done, 2 failed."""
        return zarr.open_group(self.folder, mode="r")["status"][:]

    @property
    def failures(self) -> pd.DataFrame:
        """Clips without values: index ``track_id``, column ``reason``."""
        files = sorted((self.folder / "failures").glob("*.json"))
        reasons = {track_id: reason for file in files for track_id, reason in json.loads(file.read_text()).items()}
        return pd.DataFrame({"reason": list(reasons.values())}, index=pd.Index(list(reasons), name="track_id", dtype=str))

    def pending(self) -> list[range]:
        """Return the row ranges of the chunks that are not yet finished."""
        status = self.status
        chunks = [range(start, min(start + CHUNK_CLIPS, len(status))) for start in range(0, len(status), CHUNK_CLIPS)]
        return [rows for rows in chunks if (status[rows.start : rows.stop] == PENDING).any()]

    def read(self) -> tuple[Corpus, np.ndarray]:
        """Return the corpus of the finished clips and their values in memory, (n_clips, n_segments, …).

        Where they do not fit there, take them from :attr:`values` in slices.

        Raises
        ------
        DataError
            If clips are still pending, or if every clip failed.
        """
        status = self.status
        if n_pending := np.sum(status == PENDING):
            raise DataError(f"{self.folder}: {n_pending} of {len(status)} clips are not extracted yet; call extract() again")
        failures = self.failures
        if (status == FAILED).all():
            first, reason = next(failures["reason"].items())
            raise DataError(f"no clip of the corpus {self.corpus.name} could be used; the first, {first}: {reason}")
        if failures.empty:
            return self.corpus, self.values[:]
        excluded = pd.concat([self.corpus.excluded, failures])
        done = self.corpus.select(self.corpus.clips.index[status == DONE])
        return replace(done, excluded=excluded), self.values.oindex[status == DONE]


def _state_of_files(corpus: Corpus) -> str:
    # Size and time of the last change: where a file is mended or replaced, features of the old one must not be found.
    files = (Path(path) for path in corpus.clips["path"] if path is not None)
    states = [(state.st_size, state.st_mtime_ns) for state in (file.stat() for file in files if file.is_file())]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()


def extract(corpus: Corpus, feature, *, n_jobs: int = -1, progress: bool = True) -> FeatureStore:
    """Extract a feature of every clip of a corpus into its store; finish what was begun before.

    Parameters
    ----------
    corpus : Corpus
        Clips with audio files.
    feature
        One of the features of :mod:`musicgenre.features`.
    n_jobs : int
        Worker processes, as joblib counts them. Inside ``joblib.parallel_config(backend="dask")`` the work
        goes to a Dask cluster, whose machines have this version of the package and the same folders of clips and cache.
    progress : bool
        Show a progress bar where there is work to do.

    Returns
    -------
    FeatureStore
        Complete: every clip is done, or failed with its reason in :attr:`FeatureStore.failures`.

    Raises
    ------
    DataError
        If a worker does not see the store, may not read a file, or has another version of the feature. What is finished stays.

    Notes
    -----
    Taught in the notebook ``02_from_sound_to_features``.
    """
    store = FeatureStore.create(corpus, feature)
    chunks = store.pending()
    if chunks:
        # Compiles librosa's kernels where that was never done: several workers at once would break numba's cache (numba issue 10128).
        import librosa.core.pitch  # noqa: F401

        paths = corpus.clips["path"]  # a job takes along what it needs of it, not the corpus
        jobs = (
            joblib.delayed(_extract_chunk)(store.folder, feature, describe(feature), rows, paths.iloc[rows.start : rows.stop].to_dict())
            for rows in chunks
        )
        work = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
        n_done = len(corpus) - sum(map(len, chunks))
        with tqdm(total=len(corpus), initial=n_done, desc=f"{corpus.name} {feature.name}", unit="clip", disable=not progress) as bar:
            for n_clips in work:
                bar.update(n_clips)
    return store


def _extract_chunk(folder: Path, feature, described: dict, rows: range, paths: Mapping[str, str | None]) -> int:
    if describe(feature) != described:
        raise DataError(f"{platform.node()} has another version of the feature {feature.name}; install the same package on all machines")
    files = [Path(path) for path in paths.values() if path is not None]
    if not folder.exists() or (files and not any(file.parent.exists() for file in files)):
        unseen = files[0] if folder.exists() else folder
        raise DataError(f"{unseen}: not seen from {platform.node()}; every machine needs the clips and the cache folder at the same place")
    status = zarr.open_group(folder, mode="r")["status"][rows.start : rows.stop]
    if (status != PENDING).all():  # finished by another writer, or by a worker that was lost before it could say so
        return len(rows)
    values = np.zeros((len(rows), feature.n_segments, *feature.shape), feature.dtype)
    failures = {}
    for value, (track_id, path) in zip(values, paths.items(), strict=True):
        try:
            if path is None:
                raise DataError(f"{track_id}: no audio file at hand")
            value[:] = feature(audio.read(path, sample_rate_hz=feature.sample_rate_hz))
        except AccessError:  # it may pass, and a failure is kept for good
            raise
        except DataError as error:
            failures[track_id] = str(error).removeprefix(f"{path}: ")  # run records keep it, and name no folder of a machine
    _write_chunk(folder, rows, values, failures, [FAILED if track_id in failures else DONE for track_id in paths])
    return len(rows)


def _write_chunk(folder: Path, rows: range, values: np.ndarray, failures: dict[str, str], status: int | list[int]) -> None:
    # The values first, what failed next, the status last.
    group = zarr.open_group(folder, mode="r+")
    group["values"][rows.start : rows.stop] = values
    if failures:
        with atomic.write(folder / "failures" / f"{rows.start:08d}.json") as partial:  # another process may be writing the same chunk
            partial.write_text(json.dumps(failures))
    group["status"][rows.start : rows.stop] = status


def fill(store: FeatureStore, read_rows: Callable[[range], np.ndarray], *, progress: bool = True) -> FeatureStore:
    """Fill a store with ready-made values, chunk by chunk; finish what was begun before.

    Parameters
    ----------
    store : FeatureStore
        A store whose ``source`` says where the values come from.
    read_rows : callable
        Gives the values of a range of rows, (n_rows, n_segments, …).
    progress : bool
        Show a progress bar where there is work to do.
    """
    chunks = store.pending()
    for rows in tqdm(chunks, desc=f"{store.corpus.name} {store.feature.name}", unit="chunk", disable=not (progress and chunks)):
        _write_chunk(store.folder, rows, read_rows(rows), {}, DONE)
    return store
