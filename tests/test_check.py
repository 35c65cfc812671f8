"""The integrity check: every way in which a sound file can be unusable or worth a note, on files made for it."""

import math

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import need

from musicgenre import corpora
from musicgenre.corpora import audio, check, gtzan
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError
from musicgenre.features import LogMel

RATE_HZ = 22050
DURATION_S = 2.0
rng = np.random.default_rng(0)
NOISE = (0.1 * rng.standard_normal(int(RATE_HZ * DURATION_S))).astype(np.float32)


def examine(path):
    corpus = Corpus("test", pd.DataFrame({"genre": ["rock"], "path": [str(path)]}, index=["a"]))
    return check.describe(corpus, min_duration_s=1.0, n_jobs=1).loc["a"]


def write(path, samples=NOISE, rate_hz=RATE_HZ, **options):
    soundfile.write(path, samples, rate_hz, **options)
    return path


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_a_clip_like_those_of_gtzan_is_ok(tmp_path):
    row = examine(write(tmp_path / "a.wav"))
    assert (row["status"], row["reason"]) == ("ok", "")
    assert (row["format"], row["subtype"], row["sample_rate_hz"], row["channels"]) == ("WAV", "PCM_16", RATE_HZ, 1)
    assert row["duration_s"] == DURATION_S
    assert row["peak"] == pytest.approx(np.abs(NOISE).max(), abs=1e-4)
    assert row["rms_db"] == pytest.approx(20 * math.log10(np.sqrt(np.mean(NOISE**2))), abs=0.01)


@pytest.mark.parametrize(("rate_hz", "channels"), [(22050, 1), (22050, 2), (44100, 2), (16000, 1)])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_samples_are_those_of_librosa(tmp_path, rate_hz, channels, subtype):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (rate_hz // 2, channels))
    path = write(tmp_path / "a.wav", samples, rate_hz, subtype=subtype)
    ours = audio.read(path)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, librosa.load(path)[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("a.wav", {"subtype": "PCM_U8"}, "8 bits"),
        ("a.wav", {"subtype": "FLOAT"}, ""),
        ("a.wav", {"samples": np.stack([NOISE, NOISE], axis=1)}, "stereo"),
        ("a.wav", {"samples": np.stack([NOISE] * 3, axis=1)}, "3 channels"),
        ("a.wav", {"rate_hz": 44100, "samples": np.tile(NOISE, 2)}, "44,100 Hz"),
        ("a.mp3", {}, "MP3, compressed with losses"),
        ("a.ogg", {}, "OGG, compressed with losses"),
        ("a.flac", {}, "FLAC"),
        ("a.au", {}, "AU"),
        ("a.aiff", {}, "AIFF"),
        ("A.WAV", {}, ""),
        ("a.mp3", {"format": "WAV"}, "wrong extension: the content is WAV, not .mp3"),
        ("a.wav", {"format": "MP3"}, "wrong extension: the content is MP3, not .wav; MP3, compressed with losses"),
    ],
)
def test_usable_files_get_a_note_at_most(tmp_path, name, options, reason):
    row = examine(write(tmp_path / name, **options))
    assert (row["status"], row["reason"]) == ("note" if reason else "ok", reason)
    assert row["duration_s"] == pytest.approx(DURATION_S, abs=0.1)
    assert len(audio.read(row["path"])) == pytest.approx(DURATION_S * RATE_HZ, rel=0.05)


def test_missing_empty_and_foreign_files_are_unusable(tmp_path):
    empty, text, song, raw = (tmp_path / name for name in ("empty.wav", "text.wav", "text.mp3", "a.raw"))
    empty.write_bytes(b"")
    for path in (text, song, raw):
        path.write_text("not a sound\n" * 1000)
    cases = {
        tmp_path / "nowhere.wav": "no such file",
        empty: "the file is empty (0 bytes); fetch it again",
        text: "not a readable sound file (Format not recognised); fetch it again",  # as jazz.00054.wav in Kaggle's copy of GTZAN
        song: "not a readable sound file (Format not recognised); fetch it again",
        raw: "not a readable sound file (Format not recognised); fetch it again",
    }
    for path, reason in cases.items():
        row = examine(path)
        assert (row["status"], row["reason"]) == ("unusable", reason)
        with pytest.raises(DataError) as caught:
            audio.read(path)
        assert str(caught.value) == f"{path}: {reason}"


def test_samples_that_no_feature_can_take_are_unusable(tmp_path):
    path = write(tmp_path / "a.wav", 1e30 * NOISE, subtype="FLOAT")
    assert examine(path)["reason"].startswith("it holds samples up to ")
    with pytest.raises(DataError, match="between -1 and 1"):
        LogMel(n_segments=1, segment_s=1.0)(audio.read(path))


def test_a_header_cut_short_is_unusable(tmp_path):
    path = write(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:30])
    assert examine(path)["reason"].startswith("not a readable sound file (")


def test_a_header_without_samples_is_unusable(tmp_path):
    assert examine(write(tmp_path / "a.wav", NOISE[:0]))["reason"] == "it holds no samples"
    path = write(tmp_path / "b.wav")
    path.write_bytes(path.read_bytes()[:44])
    assert examine(path)["reason"] == "it holds no samples"


@pytest.mark.parametrize("name", ["a.wav", "a.au", "a.aiff", "a.mp3"])
def test_a_truncated_file_is_unusable_although_it_can_be_read(tmp_path, name):
    row = examine(halve(write(tmp_path / name, np.tile(NOISE, 2))))
    assert row["status"] == "unusable"
    assert row["reason"].startswith(f"truncated: it breaks off at {row['duration_s']:.1f} s of 4.0 s; fetch it again")


def test_a_truncated_flac_is_unusable(tmp_path):
    path = halve(write(tmp_path / "a.flac", np.tile(NOISE, 5)))
    row = examine(path)
    assert row["status"] == "unusable"
    assert row["reason"].startswith("damaged: it can be decoded only to ")
    with pytest.raises(DataError, match=r"a\.flac: the file is damaged"):
        audio.read(path)


def test_a_truncated_ogg_is_unusable_when_what_is_left_is_too_short(tmp_path):
    assert examine(halve(write(tmp_path / "a.ogg")))["reason"].startswith("too short")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_streamed_wav_whose_header_does_not_know_its_length_is_ok(tmp_path, size):
    path = write(tmp_path / "a.wav")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert examine(path)["status"] == "ok"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_numbers_are_unusable(tmp_path, value):
    samples = NOISE.copy()
    samples[100] = value
    path = write(tmp_path / "a.wav", samples, subtype="FLOAT")
    assert examine(path)["reason"] == "it holds samples that are not finite numbers"
    with pytest.raises(DataError, match="not finite numbers"):
        audio.read(path)


@pytest.mark.parametrize("samples", [0 * NOISE, 0 * NOISE + 0.5, np.stack([NOISE, -NOISE], axis=1)])
def test_silence_is_unusable_be_it_zero_constant_or_cancelled_by_mixing_down(tmp_path, samples):
    row = examine(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    assert row["status"] == "unusable" and row["reason"].startswith("silent")


def test_a_short_clip_is_unusable(tmp_path):
    row = examine(write(tmp_path / "a.wav", NOISE[:11025]))
    assert (row["status"], row["reason"]) == ("unusable", "too short: 0.5 s of at least 1 s (--min-duration)")


def test_any_number_of_jobs_gives_the_same_report(tmp_path):
    paths = {"fine": write(tmp_path / "a.wav"), "noted": write(tmp_path / "b.flac"), "gone": tmp_path / "c.wav"}
    clips = pd.DataFrame({"genre": "rock", "path": [str(path) for path in paths.values()]}, index=list(paths))
    corpus = Corpus("test", clips)
    report = check.describe(corpus, min_duration_s=1)
    assert dict(report["status"]) == {"fine": "ok", "gone": "unusable", "noted": "note"}
    assert list(report.index[report["status"] == "unusable"]) == ["gone"]
    pd.testing.assert_frame_equal(report, check.describe(corpus, min_duration_s=1, n_jobs=1))


def test_a_long_file_is_decoded_block_by_block(tmp_path, monkeypatch):
    path = write(tmp_path / "a.wav")
    whole = examine(path)
    monkeypatch.setattr(check, "BLOCK_FRAMES", 1000)
    blocks = examine(path)
    assert blocks["rms_db"] == pytest.approx(whole["rms_db"])
    assert blocks.drop("rms_db").equals(whole.drop("rms_db"))


def test_a_corpus_without_audio_cannot_be_checked():
    with pytest.raises(DataError, match=r"corpus gtzan: no audio file is at hand for blues\.00000"):
        check.describe(gtzan.from_facts(["blues.00000"], "not in the archive"))


def test_real_gtzan_clips_are_whole(real_data):
    need(real_data, "blues.*.wav")
    report = check.describe(corpora.load("gtzan", real_data))
    assert set(report["status"]) <= {"ok", "unusable"}
    assert (report.loc[report["status"] == "ok", "duration_s"] > 29.9).all()
    assert set(report.index[report["status"] == "unusable"]) <= {"jazz.00054"}
