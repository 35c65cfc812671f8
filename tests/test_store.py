"""The feature store: what is in it, what a kill can lose, several writers, failures by name, and memory that does not grow."""

import dataclasses
import itertools
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile

from musicgenre.corpora import audio, folder, gtzan, synthetic
from musicgenre.errors import AccessError, DataError
from musicgenre.features import LogMel, Mfcc, store
from musicgenre.features.store import CHUNK_CLIPS, PENDING, FeatureStore, extract, fill

N_CLIPS = 3 * CHUNK_CLIPS
TOO_SHORT, EMPTY = "one/03", "two/05"


@dataclass(frozen=True, kw_only=True)
class Small(LogMel):
    """A small log-mel spectrogram that counts how often it is computed, and never ends with the clip that ``STUCK_AT`` counts."""

    segment_s: float | None = 0.5
    n_segments: int = 2
    n_mels: int = 16

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        if next(computed) == int(os.environ.get("STUCK_AT", -1)) * self.n_segments:
            time.sleep(600)
        return super().of_segment(samples)


computed = itertools.count()


def extract_in_this_process(path: str) -> None:
    """What the processes run that the tests start."""
    extract(folder.load(path), Small(), n_jobs=1, progress=False)


def start(path: Path, **environment: str) -> subprocess.Popen:
    """Start an extraction in a process of its own."""
    code = f"import test_store; test_store.extract_in_this_process({str(path)!r})"
    return subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent, env=os.environ | environment)


def times(made: FeatureStore) -> dict[str, int]:
    """When each file of a store was written."""
    return {str(file): file.stat().st_mtime_ns for file in made.folder.rglob("*") if file.is_file()}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def music(tmp_path) -> Path:
    """A folder with two genres of short clips, all different."""
    root = tmp_path / "music"
    rng = np.random.default_rng(0)
    for genre in ("one", "two"):
        (root / genre).mkdir(parents=True)
        for number in range(N_CLIPS // 2):
            soundfile.write(root / genre / f"{number:02d}.wav", rng.uniform(-0.5, 0.5, audio.SAMPLE_RATE_HZ), audio.SAMPLE_RATE_HZ)
    return root


@pytest.fixture
def faulty_music(music) -> Path:
    """The same folder with one clip that is too short and one without a byte."""
    soundfile.write(music / f"{TOO_SHORT}.wav", np.zeros(1000), audio.SAMPLE_RATE_HZ)
    (music / f"{EMPTY}.wav").write_bytes(b"")
    return music


def expected(corpus) -> np.ndarray:
    """Features of all clips without any store."""
    return np.stack([Small()(audio.read(path)) for path in corpus.clips["path"]])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_values_are_the_features_of_the_clips_in_their_order(music, n_jobs):
    corpus = folder.load(music)
    usable, values = extract(corpus, LogMel(n_segments=1, segment_s=1.0), n_jobs=n_jobs, progress=False).read()
    assert list(usable.clips.index) == list(corpus.clips.index)
    for path, value in zip(corpus.clips["path"], values, strict=True):
        np.testing.assert_array_equal(value, LogMel(n_segments=1, segment_s=1.0)(audio.read(path)))


def test_librosa_is_compiled_before_the_workers_start(music, monkeypatch):
    """Where several processes fill numba's cache at once, librosa crashes ever after."""
    monkeypatch.delitem(sys.modules, "librosa.core.pitch", raising=False)
    compiled, parallel = [], joblib.Parallel
    monkeypatch.setattr(joblib, "Parallel", lambda **settings: compiled.append("librosa.core.pitch" in sys.modules) or parallel(**settings))
    extract(folder.load(music), Small(), n_jobs=1, progress=False)
    assert compiled == [True]


def test_a_finished_extraction_does_nothing(music, capfd):
    corpus = folder.load(music)
    before = times(extract(corpus, Small(), n_jobs=1, progress=False))
    assert times(extract(corpus, Small(), n_jobs=1)) == before
    assert capfd.readouterr() == ("", "")  # not even a progress bar


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_extraction_loses_the_chunk_in_progress_and_nothing_else(music, monkeypatch):
    process = start(music, STUCK_AT=str(2 * CHUNK_CLIPS + 3))  # in the third chunk of three
    store_folder = FeatureStore.create(folder.load(music), Small())
    waiting_until = time.monotonic() + 120
    while len(store_folder.pending()) > 1 and time.monotonic() < waiting_until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    assert store_folder.pending() == [range(2 * CHUNK_CLIPS, 3 * CHUNK_CLIPS)]
    with pytest.raises(DataError, match=f"{CHUNK_CLIPS} of {N_CLIPS} clips are not extracted yet; call extract"):
        store_folder.read()
    before, count = times(store_folder), next(computed)
    resumed = extract(folder.load(music), Small(), n_jobs=1, progress=False)
    assert next(computed) - count - 1 == CHUNK_CLIPS * Small().n_segments
    assert resumed.folder == store_folder.folder
    assert {file: written for file, written in times(resumed).items() if file in before} == before

    monkeypatch.setenv("MUSICGENRE_CACHE", str(music.parent / "another cache"))
    uninterrupted = extract(folder.load(music), Small(), n_jobs=1, progress=False)
    np.testing.assert_array_equal(resumed.read()[1], uninterrupted.read()[1])
    assert {file.removeprefix(str(resumed.folder)) for file in times(resumed)} == {
        file.removeprefix(str(uninterrupted.folder)) for file in times(uninterrupted)
    }


def test_several_processes_fill_one_store_together(faulty_music):
    processes = [start(faulty_music) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    made = FeatureStore.create(folder.load(faulty_music), Small())
    usable, values = made.read()
    np.testing.assert_array_equal(values, expected(usable))
    assert list(made.failures.index) == [TOO_SHORT, EMPTY]
    assert len(list(made.folder.parent.iterdir())) == 1  # nothing half-made lies about


def test_a_chunk_that_another_writer_finished_meanwhile_is_not_computed_again(music):
    corpus, others = folder.load(music), []

    class Overtaken(Small):
        def of_segment(self, samples):
            if not others:
                others.append("at work")
                extract(corpus, self, n_jobs=1, progress=False)
            return super().of_segment(samples)

    count = next(computed)
    values = extract(corpus, Overtaken(), n_jobs=1, progress=False).read()[1]
    assert next(computed) - count - 1 == (N_CLIPS + CHUNK_CLIPS) * Small().n_segments  # the chunk in progress alone is computed twice
    np.testing.assert_array_equal(values, expected(corpus))


def test_clips_that_fail_are_named_with_the_reason_and_left_out(faulty_music):
    corpus = folder.load(faulty_music)
    made = extract(corpus, Small(), n_jobs=2, progress=False)
    assert made.failures["reason"].to_dict() == {
        TOO_SHORT: "clip lasts 0.0 s; 2 segments of 0.5 s need 1 s; take fewer or shorter ones",
        EMPTY: "the file is empty (0 bytes); fetch it again",
    }
    usable, values = made.read()
    assert set(corpus.clips.index) - set(usable.clips.index) == {TOO_SHORT, EMPTY} == set(usable.excluded.index)
    np.testing.assert_array_equal(values, expected(usable))
    assert (made.status == store.FAILED).sum() == 2


def test_a_corpus_of_failures_is_an_error(tmp_path):
    for genre in ("one", "two"):
        (tmp_path / "bad" / genre).mkdir(parents=True)
        (tmp_path / "bad" / genre / "text.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"no clip of the corpus bad could be used; the first, one/text: not a readable sound file"):
        extract(folder.load(tmp_path / "bad"), Small(), n_jobs=1, progress=False).read()


def test_a_corpus_without_audio_says_so():
    made = extract(gtzan.from_facts(["blues.00000", "rock.00001"], "not wanted"), Small(), n_jobs=1, progress=False)
    assert made.failures["reason"]["rock.00001"] == "rock.00001: no audio file at hand"


def test_a_folder_that_is_not_seen_stops_the_extraction_and_its_clips_do_not_count_as_failed(music):
    corpus = folder.load(music)
    music.rename(music.with_name("away"))
    with pytest.raises(DataError, match=f"{music}.*: not seen from .*; every machine needs the clips and the cache folder"):
        extract(corpus, Small(), n_jobs=1, progress=False)
    begun = FeatureStore.create(corpus, Small())
    assert (begun.status == PENDING).all() and begun.failures.empty


def test_a_missing_clip_counts_as_failed_even_where_it_is_alone_in_its_chunk(music):
    corpus = folder.load(music).select([f"one/{i:02d}" for i in range(CHUNK_CLIPS)] + ["two/00"])
    (music / "two" / "00.wav").unlink()
    made = extract(corpus, Small(), n_jobs=1, progress=False)
    assert list(made.failures.index) == ["two/00"]


def test_a_clip_that_has_gone_is_reported_and_skipped(music):
    corpus = folder.load(music)
    gone = Path(corpus.clips["path"].iloc[-1])
    gone.unlink()
    made = extract(corpus, Small(), n_jobs=1, progress=False)
    assert made.failures["reason"].to_dict() == {corpus.clips.index[-1]: "no such file"}


def test_a_clip_that_may_not_be_read_stops_the_extraction_and_does_not_count_as_failed(music, monkeypatch):
    """It may be readable later; a failure is never tried again."""
    corpus, opened = folder.load(music), Path.open
    refused = Path(corpus.clips["path"].iloc[3])

    def as_root_would_not_see_it(path, *args, **kwargs):
        if path == refused:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", as_root_would_not_see_it)
        with pytest.raises(AccessError, match=rf"{refused.name}: cannot be read \(Permission denied\); mend that and try again"):
            extract(corpus, Small(), n_jobs=1, progress=False)
    usable, values = extract(corpus, Small(), n_jobs=1, progress=False).read()
    assert len(usable) == len(corpus)
    np.testing.assert_array_equal(values, expected(corpus))


def test_a_worker_with_another_version_of_the_feature_is_refused(music):
    class Elsewhere(Small):
        version = property(lambda self: next(computed))  # never what it was when the work was given out

    with pytest.raises(DataError, match="has another version of the feature log_mel; install the same package on all machines"):
        extract(folder.load(music), Elsewhere(), n_jobs=1, progress=False)


def test_a_mended_clip_is_found(faulty_music):
    old = extract(folder.load(faulty_music), Small(), n_jobs=1, progress=False)
    soundfile.write(faulty_music / f"{EMPTY}.wav", np.ones(audio.SAMPLE_RATE_HZ) / 2, audio.SAMPLE_RATE_HZ)
    new = extract(folder.load(faulty_music), Small(), n_jobs=1, progress=False)
    assert list(old.failures.index) == [TOO_SHORT, EMPTY]
    assert list(new.failures.index) == [TOO_SHORT]


def test_corpora_with_equal_names_and_unequal_sounds_do_not_share_a_store():
    feature = Small(n_segments=1)
    first, second = (synthetic.load(clips_per_genre=1, duration_s=1, seed=seed, n_jobs=1) for seed in (0, 1))
    assert first.digest == second.digest
    values = [extract(corpus, feature, n_jobs=1, progress=False).read()[1] for corpus in (first, second)]
    assert not np.array_equal(*values)


@dataclass(frozen=True, kw_only=True)
class NewVersion(Small):
    """The same feature after a change of its code."""

    version = Small.version + 1


OTHERS = [Small(n_mels=17), Small(top_db=None), Small(n_segments=1), NewVersion(), Mfcc(segment_s=0.5, n_segments=2, n_mels=16, n_mfcc=5)]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_every_parameter_version_and_feature_has_a_store_of_its_own(music, other):
    corpus = folder.load(music)
    assert FeatureStore.create(corpus, Small()).folder == FeatureStore.create(corpus, dataclasses.replace(Small())).folder
    assert FeatureStore.create(corpus, other).folder != FeatureStore.create(corpus, Small()).folder
    assert store.describe(other)["digest"] != store.describe(Small())["digest"]


def test_equal_features_have_one_digest():
    for one, other in [
        (LogMel(segment_s=3), LogMel()),
        (LogMel(top_db=80), LogMel()),
        (LogMel(n_mels=np.int64(64)), LogMel(n_mels=64)),
        (LogMel(keep_frames=np.int64(5)), LogMel(keep_frames=5)),
    ]:
        assert one == other and store.describe(one) == store.describe(other)


def test_another_source_and_another_choice_of_clips_have_stores_of_their_own(music):
    corpus = folder.load(music)
    folders = [
        FeatureStore.create(corpus, Small()).folder,
        FeatureStore.create(corpus, Small(), "archive:abc").folder,
        FeatureStore.create(corpus.select(corpus.clips.index[1:]), Small()).folder,
    ]
    assert len(set(folders)) == 3


def test_ready_made_values_are_filled_in_chunk_by_chunk_and_resumed(music):
    corpus, asked = folder.load(music), []
    values = np.random.default_rng(0).random((N_CLIPS, 2, *Small().shape)).astype(np.float32)

    def read_rows(rows, fail_at=None):
        asked.append(rows.start)
        if rows.start == fail_at:
            raise KeyboardInterrupt
        return values[rows.start : rows.stop]

    made = FeatureStore.create(corpus, Small(), "table:abc")
    with pytest.raises(KeyboardInterrupt):
        fill(made, lambda rows: read_rows(rows, fail_at=CHUNK_CLIPS), progress=False)
    fill(made, read_rows, progress=False)
    fill(made, read_rows, progress=False)
    assert asked == [0, CHUNK_CLIPS, CHUNK_CLIPS, 2 * CHUNK_CLIPS]
    np.testing.assert_array_equal(made.read()[1], values)


def test_a_slice_of_the_values_is_read_without_the_rest(music):
    made = extract(folder.load(music), Small(), n_jobs=1, progress=False)
    values = made.read()[1]
    (made.folder / "values" / "c" / "2" / "0" / "0" / "0").write_bytes(b"damaged")
    np.testing.assert_array_equal(made.values[3 : 2 * CHUNK_CLIPS], values[3 : 2 * CHUNK_CLIPS])
    assert made.values.shape == values.shape


def test_memory_does_not_grow_with_the_corpus():
    feature = LogMel(segment_s=None, n_segments=1, keep_frames=500)
    chunk_bytes = CHUNK_CLIPS * 500 * 128 * 4

    def peak_bytes(n_chunks):
        corpus = gtzan.from_facts(gtzan.facts().index[: n_chunks * CHUNK_CLIPS], "not wanted")
        made = FeatureStore.create(corpus, feature, "archive:test")
        rng = np.random.default_rng(0)
        tracemalloc.start()
        fill(made, lambda rows: rng.random((len(rows), 1, *feature.shape), np.float32), progress=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    small, large = peak_bytes(3), peak_bytes(24)
    assert large < 1.5 * small
    assert large < 24 * chunk_bytes / 3


def test_the_command_line_extracts_names_failures_and_goes_on(faulty_music, cache):
    command = [Path(sys.executable).parent / "musicgenre", "features", "log_mel", str(faulty_music)]
    command += ["-p", "segment_s=0.5", "-p", "n_segments=2", "-p", "n_mels=16", "--jobs", "1"]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    made = next((cache / "features").iterdir())
    for run in runs:
        assert run.stdout == f"{N_CLIPS - 2} clips done, 2 failed: {made}\n"
        assert f"failed {EMPTY}: the file is empty (0 bytes); fetch it again\n" in run.stderr
    assert re.search(rf"music log_mel: 100%.*{N_CLIPS}/{N_CLIPS}", runs[0].stderr)
    assert "%" not in runs[1].stderr  # nothing was left to do
