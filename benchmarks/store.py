"""Measure the feature store: writing and reading beside computing, size on disk, peak memory up to 100,000 clips, and decoding.

Clips are the 30 s of the built-in corpus, some of them again and again under other names. Peak memory is what Linux counts for a process.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import librosa
import numpy as np
import soundfile

from benchmarks.common import Row, in_turn, report
from benchmarks.features import MS_A_CLIP, repeat
from musicgenre import corpora
from musicgenre.corpora import audio
from musicgenre.corpora.corpus import Corpus
from musicgenre.features import LogMel, MelImage, Mfcc, Vector57, store
from musicgenre.features.store import CHUNK_CLIPS, FeatureStore

FEATURES = (LogMel(), Mfcc(), Vector57(), MelImage(n_segments=10))
CHEAP = LogMel(segment_s=1.0, n_segments=1, n_mels=32)  # of the first second: 100,000 clips take minutes
N_CLIPS = (100, 1_000, 10_000, 100_000)
SLICE_CLIPS = 64
FMA_RATE_HZ = 44_100


def store_rows(corpus: Corpus) -> list[Row]:
    """Compute, write and read the same clips, one process; files are read and written through the operating system's cache."""
    clips, trial, rows = repeat(corpus, 5 * CHUNK_CLIPS), itertools.count(), []
    for feature in FEATURES:
        values = np.stack([feature(audio.read(path)) for path in clips.clips["path"]])

        def compute(feature=feature) -> None:
            for path in clips.clips["path"]:
                feature(audio.read(path))

        def write(feature=feature, values=values) -> FeatureStore:
            new = FeatureStore.create(clips, feature, f"trial:{next(trial)}")
            return store.fill(new, lambda chunk, values=values: values[chunk.start : chunk.stop], progress=False)

        written = write()
        np.testing.assert_array_equal(written.read()[1], values)
        ways = {"computing": compute, "writing": write, "reading": written.read}
        timed = in_turn(ways, scale=1e3 / len(clips))
        on_disk = sum(file.stat().st_size for file in (written.folder / "values").rglob("*") if file.is_file())
        size = {"on disk": [on_disk / len(clips) / 1e3], "in memory": [values.nbytes / len(clips) / 1e3]}
        rows += [
            Row(name=feature.name, unit=MS_A_CLIP, values=timed, checked="what is read is what was written"),
            Row(name=f"{feature.name}, size", unit="kB a clip", values=size),
        ]
    return rows


def decoding_row(paths: list[str]) -> Row:
    """Read clips from MP3 as the Free Music Archive has them, and from WAV as GTZAN has them."""
    with tempfile.TemporaryDirectory() as folder:
        ways = {"MP3, 44.1 kHz stereo": [], "MP3, 22.05 kHz mono": [], "WAV, 22.05 kHz mono": paths}
        for number, path in enumerate(paths):
            samples = audio.read(path)
            upsampled = librosa.resample(samples, orig_sr=audio.SAMPLE_RATE_HZ, target_sr=FMA_RATE_HZ)
            for way, rate, signal in (
                ("MP3, 44.1 kHz stereo", FMA_RATE_HZ, np.stack([upsampled, upsampled], axis=1)),
                ("MP3, 22.05 kHz mono", audio.SAMPLE_RATE_HZ, samples),
            ):
                ways[way].append(f"{folder}/{rate}-{number}.mp3")
                soundfile.write(ways[way][-1], signal, rate)
        functions = {way: lambda files=files: [audio.read(file) for file in files] for way, files in ways.items()}
        return Row(name="decoding", unit=MS_A_CLIP, values=in_turn(functions, scale=1e3 / len(paths)))


def peak_mb() -> float:
    """Peak of the memory that this process has held, in MB."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def extract_peaks(n_clips: int) -> dict[str, float]:
    """Extract the cheap feature with two worker processes; return the size of the table of clips and the peaks of all three, in MB."""
    corpus = repeat(corpora.load("synthetic"), n_clips)
    made = store.extract(corpus, CHEAP, n_jobs=2, progress=False)
    assert (made.status == store.DONE).all()
    workers = joblib.Parallel(n_jobs=2, batch_size=1)(joblib.delayed(peak_mb)() for _ in range(20))
    table = corpus.clips.memory_usage(deep=True).sum() / 1e6
    return {"table of clips": table, "extracting, main process": peak_mb(), "extracting, a worker": max(workers)}


def read_peak(n_clips: int) -> dict[str, float]:
    """Read the values slice by slice; return the peak in MB."""
    corpus = repeat(corpora.load("synthetic"), n_clips)
    values = FeatureStore.create(corpus, CHEAP).values
    total = sum(float(values[first : first + SLICE_CLIPS].sum()) for first in range(0, len(corpus), SLICE_CLIPS))
    assert np.isfinite(total)
    return {"reading in slices": peak_mb()}


def memory_row(n_clips: int) -> Row:
    """Measure in fresh processes, which hold nothing of what went before."""
    peaks = {}
    for measure in (extract_peaks, read_peak):
        code = f"import json; from benchmarks import store; print(json.dumps(store.{measure.__name__}({n_clips})))"
        peaks |= json.loads(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)
    return Row(name=f"memory, {n_clips:,} clips", unit="MB", values={way: [value] for way, value in peaks.items()})


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MUSICGENRE_CACHE"] = cache
        corpus = corpora.load("synthetic")
        rows = [*store_rows(corpus), decoding_row(corpus.clips["path"].tolist()[1:9])]
        rows += [memory_row(n_clips) for n_clips in N_CLIPS]
    report("store", rows, ["musicgenre", "zarr", "numcodecs", "joblib", "numpy", "scipy", "numba", "soundfile"])


if __name__ == "__main__":
    main()
