"""Extraction on a Dask cluster: a real scheduler and worker processes, one of which is killed in the middle of its work."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from distributed import Client
from test_store import times

from musicgenre import cli
from musicgenre.corpora import audio, folder
from musicgenre.features import LogMel
from musicgenre.features.store import CHUNK_CLIPS, FeatureStore, extract

N_CHUNKS = 8
STUCK_AT = CHUNK_CLIPS + 4  # clips that the worker to be killed begins: one chunk, and half of the next


@dataclass(frozen=True, kw_only=True)
class Logged(LogMel):
    """A small log-mel spectrogram that writes down who computes it of which clip.

    A process never ends with the clip that its ``STUCK_AT`` counts, and waits until all have begun as many as its ``WAITS_FOR``.
    """

    segment_s: float | None = 0.5
    n_segments: int = 1
    n_mels: int = 16

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        if log := os.environ.get("BEGUN"):
            with open(log, "a") as file:
                file.write(f"{os.getpid()} {zlib.crc32(samples)}\n")
            if sum(process == os.getpid() for process, _ in begun(log)) == int(os.environ.get("STUCK_AT", -1)):
                time.sleep(600)
            wait_for(lambda: len(begun(log)) >= int(os.environ.get("WAITS_FOR", 0)))
        return super().of_segment(samples)


def begun(log: str | Path) -> list[tuple[int, int]]:
    """Process and clip (checksum of its samples) of each computation that was begun, in order."""
    return [tuple(map(int, line.split())) for line in Path(log).read_text().splitlines()] if Path(log).exists() else []


def wait_for(condition) -> None:
    """Wait until something holds; fail after a minute."""
    waiting_until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < waiting_until
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def music(tmp_path) -> Path:
    """A folder with two genres of short clips, all different."""
    rng = np.random.default_rng(0)
    for genre in ("one", "two"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for number in range(N_CHUNKS * CHUNK_CLIPS // 2):
            samples = rng.uniform(-0.5, 0.5, audio.SAMPLE_RATE_HZ // 2)
            soundfile.write(tmp_path / "music" / genre / f"{number:02d}.wav", samples, audio.SAMPLE_RATE_HZ)
    return tmp_path / "music"


@pytest.fixture
def start(tmp_path):
    """Start a process of Dask's in the test's folder; what still runs at the end of the test is killed."""
    started = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *arguments]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)} | environment
        with open(tmp_path / "dask.log", "a") as log:
            started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(start, tmp_path) -> str:
    """Address of a scheduler without workers."""
    contact = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter", "--scheduler-file", str(contact))
    wait_for(contact.exists)
    return json.loads(contact.read_text())["address"]


@pytest.fixture
def start_worker(start, scheduler):
    """Start a worker process with one thread."""
    arguments = ("worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
    return lambda **environment: start(*arguments, **environment)


def test_a_killed_worker_loses_nothing_and_only_its_chunk_in_progress_is_begun_again(music, tmp_path, scheduler, start_worker):
    corpus, log = folder.load(music), tmp_path / "begun.txt"
    start_worker(BEGUN=str(log), WAITS_FOR=str(STUCK_AT + 1))  # so that the other has work, however slow it is
    doomed = start_worker(BEGUN=str(log), STUCK_AT=str(STUCK_AT))

    def extract_on_the_cluster():
        with Client(scheduler) as client, joblib.parallel_config(backend="dask"):
            client.wait_for_workers(2)
            return extract(corpus, Logged(), progress=False)

    with ThreadPoolExecutor() as pool:
        running = pool.submit(extract_on_the_cluster)
        wait_for(lambda: running.done() or sum(process == doomed.pid for process, _ in begun(log)) == STUCK_AT)
        before = times(FeatureStore.create(corpus, Logged()))
        doomed.kill()
        made = running.result(timeout=60)

    clips = [zlib.crc32(audio.read(path)) for path in corpus.clips["path"]]
    of_the_doomed = [clip for process, clip in begun(log) if process == doomed.pid]
    in_progress = of_the_doomed[CHUNK_CLIPS:]
    assert len(of_the_doomed) == STUCK_AT
    assert len({clips.index(clip) // CHUNK_CLIPS for clip in in_progress}) == 1
    assert Counter(clip for _, clip in begun(log)) == Counter(clips + in_progress)
    after = times(made)
    assert {file: after[file] for file in before} == before  # what was finished was not written again

    usable, values = made.read()
    assert list(usable.clips.index) == list(corpus.clips.index)
    np.testing.assert_array_equal(values, np.stack([Logged()(audio.read(path)) for path in corpus.clips["path"]]))


@pytest.fixture
def scheduler_process(scheduler, start_worker) -> int:
    """Process of the scheduler, which has two workers at its service."""
    start_worker()
    start_worker()
    with Client(scheduler) as client:
        client.wait_for_workers(2)
        return client.run_on_scheduler(os.getpid)


def test_the_command_line_extracts_on_the_cluster(music, scheduler, scheduler_process, capsys, monkeypatch):
    monkeypatch.setattr(audio, "read", None)  # the work is not done in this process
    features = ["features", "log_mel", str(music), "-p", "segment_s=0.5", "-p", "n_segments=1", "-p", "n_mels=16"]
    monkeypatch.setattr(sys, "argv", ["musicgenre", *features, "--dask", scheduler])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    made = FeatureStore.create(folder.load(music), LogMel(segment_s=0.5, n_segments=1, n_mels=16))
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{N_CHUNKS * CHUNK_CLIPS} clips done, 0 failed: {made.folder}\n"
    assert made.pending() == []


def test_a_scheduler_lost_in_the_middle_is_an_error_of_one_line(music, tmp_path, scheduler, scheduler_process, capsys, monkeypatch):
    def kill_the_scheduler():
        wait_for((tmp_path / "cache" / "features").exists)
        os.kill(scheduler_process, signal.SIGKILL)

    monkeypatch.setattr(sys, "argv", ["musicgenre", "features", "log_mel", str(music), "--dask", scheduler])
    with ThreadPoolExecutor() as pool, pytest.raises(SystemExit) as ended:
        pool.submit(kill_the_scheduler)
        cli.main()
    assert ended.value.code == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("musicgenre: "))
    assert re.fullmatch(f"musicgenre: --dask {scheduler}: stopped (.*); give the command again, and it goes on from there", line)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers there (Timed out trying to connect to tcp://127.0.0.1:1 after 1 s)"),
        ("nonsense", "no Dask scheduler answers there (missing port number in address 'nonsense')"),
        (None, "the scheduler has no workers; start some with: dask worker tcp://127.0.0.1:"),
    ],
)
def test_a_cluster_that_is_not_there_is_an_error_of_one_line(address, reason, music, request, capsys, monkeypatch):
    address = address or request.getfixturevalue("scheduler")
    monkeypatch.setattr(cli, "CONNECT_S", 1 if address.endswith(":1") else 5)  # a scheduler on a busy machine takes a while to answer
    monkeypatch.setattr(sys, "argv", ["musicgenre", "features", "log_mel", str(music), "--dask", address])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"musicgenre: --dask {address}: {reason}")


def test_a_missing_extra_is_an_error_that_names_it(music, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr(sys, "argv", ["musicgenre", "features", "log_mel", str(music), "--dask", "tcp://127.0.0.1:8786"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "musicgenre: --dask needs the extra `cluster`; install it with: pip install -e '.[cluster]'\n"
