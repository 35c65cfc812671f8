"""The command line: help, one-line errors, and each command on something small."""

import subprocess
import sys
from dataclasses import asdict

import handmade
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from musicgenre import cli, experiments, runs
from musicgenre.errors import DivergenceError
from musicgenre.papers import PAPERS
from musicgenre.settings import Profile

run = CliRunner(env={"MUSICGENRE_DATA": None, "MUSICGENRE_PROFILE": None, "COLUMNS": "200", "TERM": "dumb"}).invoke


@pytest.fixture
def music(tmp_path):
    """A folder of two genres with two clips of 30 s each; one more file is not music."""
    rng = np.random.default_rng(0)
    for genre in ("blues", "jazz"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for i in range(2):
            soundfile.write(tmp_path / "music" / genre / f"{genre}.0000{i}.wav", 0.1 * rng.normal(size=30 * 22050), 22050)
    (tmp_path / "music" / "jazz" / "cover.jpg").write_bytes(b"picture")
    return tmp_path / "music"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder for every test."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))


def fails(monkeypatch, capsys, *arguments: str) -> str:
    """Run the command line as a user does, and return the one line that it prints on the error stream."""
    monkeypatch.setattr(sys, "argv", ["musicgenre", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    printed = capsys.readouterr()
    assert stopped.value.code == 1 and printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("musicgenre: ")
    return line


def test_help_names_every_command():
    for flag in ("--help", "-h"):
        result = run(cli.app, [flag])
        assert result.exit_code == 0
        for command in ("data", "features", "replicate", "report"):
            assert command in result.output
    for command in (["data", "fetch"], ["data", "check"], ["data", "info"], ["features"], ["replicate"], ["report"]):
        result = run(cli.app, [*command, "--help"])
        assert result.exit_code == 0 and "Usage" in result.output


def test_help_needs_no_heavy_package():
    code = "import sys, musicgenre.cli; print(sorted({'tensorflow', 'keras', 'librosa', 'pandas', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nobody_1999"], "unknown paper 'nobody_1999'; use one of demarco_2024"),
        (["replicate"], "name one paper, or give --all"),
        (["replicate", "xu_2024", "--all"], "name one paper, or give --all"),
        (["replicate", "xu_2024", "-e", "vgh"], "xu_2024 has no experiment 'vgh'; use one of"),
        (["replicate", "demarco_2024", "-e", "mlp_30s", "-p", "loosely"], "unknown protocol 'loosely'; use one of as_published"),
        (["replicate", "demarco_2024", "-e", "mlp_30s", "--profile", "lite"], "the profile lite needs real data: set MUSICGENRE_DATA"),
        (["data", "info", "nothing"], "'nothing' is neither a corpus"),
        (["data", "info", "gtzan"], "the corpus gtzan needs its audio"),
        (["data", "fetch", "spotify", "there"], "cannot fetch 'spotify'; use one of gtzan"),
        (["features", "melody"], "unknown feature 'melody'; use one of log_mel"),
        (["features", "log_mel", "-p", "n_mels"], "--parameter n_mels: give NAME=VALUE, such as n_mels=64"),
        (["features", "log_mel", "-p", "n_fft=1024", "-p", "n_mels=many"], "--parameter n_mels=many: give NAME=VALUE"),
        (["features", "log_mel", "-p", "n_males=3"], "--parameter n_males=3: log_mel has no 'n_males'; use one of sample_rate_hz"),
        (["features", "log_mel", "-p", "n_mels=0"], "n_mels=0 is not a whole number above 0"),
        (["features", "log_mel", "-p", 'n_mels="x"'], "n_mels='x' is not a whole number above 0"),
        (["features", "log_mel", "-p", 'segment_s="x"'], "segment_s='x' is no number of seconds"),
    ],
)
def test_a_mistake_is_answered_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.delenv("MUSICGENRE_DATA", raising=False)
    monkeypatch.setenv("MUSICGENRE_RESULTS", str(tmp_path / "results"))
    assert message in fails(monkeypatch, capsys, *arguments)


def test_a_wrong_option_is_answered_with_what_is_right():
    result = run(cli.app, ["replicate", "xu_2024", "--profile", "tiny"])
    assert result.exit_code == 2 and "smoke" in result.output
    assert run(cli.app, ["data", "info", "gtzan", "--data", "/nowhere/at/all"]).exit_code == 2


# Data


def test_info_counts_clips(music):
    result = run(cli.app, ["data", "info", str(music)])
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()[-3:]] == [
        ["blues", "2", "0", "0"], ["jazz", "2", "0", "0"], ["all", "4", "0", "0"],
    ]  # fmt: skip


def test_check_names_what_is_wrong_and_says_so_by_its_status(music):
    good = run(cli.app, ["data", "check", str(music)])
    assert good.exit_code == 0
    assert "left out   jazz/cover.jpg: " in good.output
    assert good.output.splitlines()[-1] == "music: 4 clips, 0 unusable, 0 with notes, 1 left out"
    (music / "blues" / "blues.00000.wav").write_bytes(b"RIFF")
    bad = run(cli.app, ["data", "check", str(music)])
    assert bad.exit_code == 1
    assert "unusable   blues/blues.00000: " in bad.output and "4 clips, 1 unusable" in bad.output


def test_check_takes_short_clips_where_they_are_wanted(music):
    refused, taken = (run(cli.app, ["data", "check", str(music), "--min-duration", length]) for length in ("31", "1"))
    assert refused.exit_code == 1 and "4 clips, 4 unusable" in refused.output
    assert taken.exit_code == 0


# Features


def test_features_are_extracted_once(music):
    arguments = ["features", "log_mel", str(music), "-p", "n_mels=16", "-p", "n_segments=2", "-j", "1"]
    first = run(cli.app, arguments)
    assert first.exit_code == 0 and "4 clips done, 0 failed: " in first.output
    again = run(cli.app, arguments)
    assert again.stdout == first.stdout and "clip" in first.stderr and again.stderr == ""  # no progress: nothing was left to do


def test_a_clip_without_features_is_named(music):
    (music / "jazz" / "jazz.00001.wav").write_bytes(b"RIFF")
    result = run(cli.app, ["features", "log_mel", str(music), "-p", "n_mels=16", "-j", "1"])
    assert "failed jazz/jazz.00001: " in result.output and "3 clips done, 1 failed" in result.output
    assert result.exit_code == 0


def test_features_of_no_clip_at_all_are_a_failure(music):
    for file in music.rglob("*.wav"):
        file.write_bytes(b"RIFF")
    result = run(cli.app, ["features", "log_mel", str(music), "-p", "n_mels=16", "-j", "1"])
    assert "0 clips done, 4 failed" in result.output and result.exit_code == 1


# Replicate and report


def test_a_recorded_replication_runs_nothing(tmp_path):
    for name in ("mlp_30s", "lstm_3s"):
        training = asdict(experiments.get("demarco_2024", name).training.for_profile(Profile.SMOKE))
        handmade.table(tmp_path / "results", handmade.record(name) | {"profile": "smoke", "training": training})
    result = run(
        cli.app,
        [
            "replicate",
            "demarco_2024",
            "-e",
            "mlp_30s",
            "-e",
            "lstm_3s",
            "-p",
            "tracks",
            "--seeds",
            "1",
            "--results",
            str(tmp_path / "results"),
        ],
    )
    assert result.exit_code == 0, result.output
    recorded, how_to_show = result.output.splitlines()[-2:]
    assert recorded == f"2 of 2 runs are recorded in {tmp_path / 'results'}"
    assert how_to_show.endswith(f"musicgenre report demarco_2024 --profile smoke --results {tmp_path / 'results'}")
    assert not (tmp_path / "cache").exists()  # no clip was rendered, no model trained


def test_a_run_that_diverges_does_not_keep_the_others_from_being_made(tmp_path, monkeypatch):
    made = []

    def diverge_first(experiment, load, protocol, *, seed, **place):
        made.append(seed)
        if seed == 0:
            raise DivergenceError("the training diverged in epoch 1")
        return handmade.record("mlp_30s", seed=seed), True

    monkeypatch.setattr(runs, "replicate", diverge_first)
    command = ["replicate", "demarco_2024", "-e", "mlp_30s", "-p", "tracks", "--seeds", "3", "--results", str(tmp_path)]
    result = run(cli.app, command)
    assert result.exit_code == 1 and made == [0, 1, 2]
    assert "demarco_2024 mlp_30s tracks seed 0: no record: the training diverged in epoch 1" in result.output
    assert f"2 of 3 runs are recorded in {tmp_path}" in result.output


def test_each_fold_is_run_and_force_is_passed_on(tmp_path, monkeypatch):
    asked = []

    def replicate(experiment, load, protocol, *, seed, fold, force, **_):
        asked.append((protocol, seed, fold, force))
        return handmade.record("mlp_30s"), True

    monkeypatch.setattr(runs, "replicate", replicate)
    command = ["replicate", "demarco_2024", "-e", "mlp_30s", "-p", "artists", "--seeds", "1", "--force"]
    assert run(cli.app, [*command, "--results", str(tmp_path)]).exit_code == 0
    assert asked == [("artists", 0, fold, True) for fold in (1, 2, 3)]


def test_report_prints_numbers_and_verdicts(tmp_path):
    handmade.table(tmp_path / "results", handmade.record("mlp_30s", {"rock": 0.0, "jazz": 0.0}, confidence={"rock": 0.5}))
    result = run(cli.app, ["report", "demarco_2024", "--results", str(tmp_path / "results")])
    assert result.exit_code == 0
    assert "80.0 (" in result.output and "[?]   C11: " in result.output
    assert run(cli.app, ["report", "--results", str(tmp_path / "nowhere")]).exit_code == 2
    everything = run(cli.app, ["report", "--results", str(tmp_path / "results")])
    assert everything.output.count("profile lite: mean ± sd") == len(PAPERS)
