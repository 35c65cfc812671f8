"""The fault finder: it finds what was planted, proposes little else, and finds the known replicas of GTZAN."""

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import need
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgenre import faults
from musicgenre.corpora import gtzan, synthetic
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError
from musicgenre.features import LogMel, archives, store

N_FRAMES = 120


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Sixty short synthetic clips with planted faults, of a seed on which no threshold was set."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MUSICGENRE_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield synthetic.load(clips_per_genre=6, duration_s=10, seed=4)
    patch.undo()


@pytest.fixture(scope="module")
def log_mel(corpus):
    feature = LogMel(segment_s=None, n_segments=1, keep_frames=130)
    return store.extract(corpus, feature, progress=False).read()[1][:, 0]


@pytest.fixture(scope="module")
def repeats(corpus, log_mel):
    return faults.find_repeats(corpus.clips.index, log_mel)


def noise(n_clips: int, n_frames: int = N_FRAMES, seed: int = 0) -> np.ndarray:
    """Log-mel values without any structure."""
    return np.random.default_rng(seed).normal(-40, 10, (n_clips, n_frames, 64)).astype(np.float32)


def planted(corpus: Corpus, kind: str) -> set[frozenset[str]]:
    """Pairs of clips that the corpus says are replicas, or versions."""
    faults_of_kind = corpus.clips["fault"].dropna()
    faults_of_kind = faults_of_kind[faults_of_kind.str.startswith(kind)]
    return {frozenset((clip, fault.split(":")[1])) for clip, fault in faults_of_kind.items()}


def pairs(table: pd.DataFrame) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in table[["first", "second"]].itertuples(index=False)}


def test_planted_replicas_are_found_and_nothing_else_is_called_one(corpus, repeats):
    assert planted(corpus, "replica")
    assert pairs(repeats[repeats["kind"] == "replica"]) == planted(corpus, "replica")


def test_most_planted_versions_are_found_with_few_false_alarms(corpus, repeats):
    versions = planted(corpus, "version")
    proposed = pairs(repeats[repeats["kind"] == "version"])
    assert len(versions & proposed) >= len(versions) / 2
    assert len(proposed - versions) <= 2


def test_the_table_of_repeats_is_sorted_and_names_each_pair_once(corpus, repeats):
    assert list(repeats.columns) == ["first", "second", "kind", "recording", "version", "lag_frames"]
    assert len(pairs(repeats)) == len(repeats)
    assert (repeats["first"] < repeats["second"]).all()
    assert repeats["recording"].is_monotonic_decreasing
    assert set(repeats["first"]) | set(repeats["second"]) <= set(corpus.clips.index)


@settings(max_examples=10)
@given(st.integers(-N_FRAMES // 2 + 1, N_FRAMES // 2 - 1), st.floats(-20, 20))
def test_a_shifted_louder_copy_is_the_same_recording(lag, gain_db):
    """Two excerpts of one recording are found, with their lag, for every overlap of more than half a clip."""
    whole = noise(1, 2 * N_FRAMES)[0]
    start = N_FRAMES // 2
    clips = np.stack(
        [whole[start : start + N_FRAMES], *noise(3, seed=1), whole[start + lag : start + lag + N_FRAMES] + np.float32(gain_db)]
    )
    found = faults.find_repeats(["a", "b", "c", "d", "e"], clips)
    recordings = found[found["kind"] != "version"]
    assert recordings[["first", "second", "lag_frames"]].values.tolist() == [["a", "e", lag]]
    assert (recordings["kind"] == "replica").all()


def test_a_copy_with_noise_is_a_recording_not_a_replica():
    clips = noise(4)
    clips = np.concatenate([clips, clips[:1] + np.random.default_rng(2).normal(0, 4, clips[:1].shape).astype(np.float32)])
    found = faults.find_repeats(list("abcde"), clips)
    assert found[found["kind"] == "recording"][["first", "second"]].values.tolist() == [["a", "e"]]
    assert not (found["kind"] == "replica").any()


def melody(tempo: float, seed: int) -> np.ndarray:
    """The same notes, faster by a factor, in another timbre and with another noise for each seed."""
    hz, rng = librosa.mel_frequencies(130, fmin=0, fmax=11025)[1:-1], np.random.default_rng(seed)
    notes = np.random.default_rng(7).integers(0, 12, 100)[(np.arange(400) * tempo / 12).astype(int)]
    values, timbre = rng.normal(-60, 3, (400, 128)), rng.uniform(20, 40, 4)
    for frame, note in enumerate(notes):
        for octave, level in zip(220 * 2.0 ** np.arange(4), timbre, strict=True):
            values[frame, np.abs(hz - octave * 2 ** (note / 12)).argmin()] += level
    return values.astype(np.float32)


@pytest.mark.parametrize("tempo", [0.85, 1.0, 1.2])
def test_the_same_notes_at_another_tempo_are_a_version(tempo):
    other = np.random.default_rng(9).normal(-60, 3, (400, 128)).astype(np.float32)
    found = faults.find_repeats(list("abc"), np.stack([melody(1.0, 1), other, melody(tempo, 2)]))
    assert found[["first", "second", "kind"]].to_numpy().tolist() == [["a", "c", "version"]]


def test_align_is_the_correlation_of_the_overlap():
    """The best of all lags, one lag at a time, with numpy's own correlation coefficient."""
    a, b = (np.random.default_rng(seed).normal(size=(3, 40, 5)).astype(np.float32) for seed in (1, 2))
    similarity, lag = faults.align(a, b)
    for i, j in np.ndindex(3, 3):
        cosines = {}
        for shift in range(-20, 21):
            x = a[i, max(shift, 0) : 40 + min(shift, 0)].ravel()
            y = b[j, max(-shift, 0) : 40 + min(-shift, 0)].ravel()
            cosines[shift] = x @ y / np.sqrt((x @ x) * (y @ y))
        assert lag[i, j] == max(cosines, key=cosines.get)
        assert similarity[i, j] == pytest.approx(max(cosines.values()), abs=1e-5)


def test_silent_clips_repeat_nothing():
    clips = noise(4)
    clips[1:3] = -100
    assert faults.find_repeats(list("abcd"), clips).empty


@pytest.mark.parametrize("values", [noise(2), noise(3)[:, :, 0], np.full((3, N_FRAMES, 64), np.nan)], ids=["too few", "flat", "not finite"])
def test_repeats_refuse_values_of_the_wrong_kind(values):
    with pytest.raises(DataError, match=r"log_mel of shape .* \(3, n_frames, n_mels\)"):
        faults.find_repeats(list("abc"), values)
    with pytest.raises(DataError, match=r"log_mel of shape \(0, "):
        faults.find_repeats([], noise(3)[:0])
    with pytest.raises(DataError, match="2 frames a clip; with fewer than 32"):
        faults.find_repeats(list("abc"), noise(3)[:, :2])


def test_chroma_hears_the_pitch_class():
    """A line in the spectrum at a D in any octave is strongest at pitch class D, the sixth from A (A is 0)."""
    import librosa

    hz = librosa.mel_frequencies(130, fmin=0, fmax=11025)[1:-1]
    log_mel = np.full((1, 8, 128), -80, np.float32)
    for frame, d_hz in enumerate([587.33, 1174.66, 2349.32, 587.33]):
        log_mel[0, 2 * frame : 2 * frame + 2, np.abs(hz - d_hz).argmin()] = 0
    log_mel[0, :, np.abs(hz - 880).argmin()] -= 20  # not the same in every frame, or it would be taken for the mean
    log_mel[0, 6:] = -80
    values = faults.chroma(log_mel, 22050)
    assert values.shape == (1, 4, 12)
    assert (values[0, :2].argmax(axis=1) == 5).all()
    assert values.sum(axis=2) == pytest.approx(0, abs=1e-4)


def test_planted_distortion_is_found_exactly(corpus):
    truth = corpus.clips.index[corpus.clips["fault"] == "distortion"]
    assert len(truth)
    assert sorted(faults.find_distortion(corpus).index) == sorted(truth)


def test_silence_quiet_clips_and_pure_tones_are_not_distorted(tmp_path):
    time_s = np.arange(22050) / 22050
    sounds = {"silent": 0 * time_s, "quiet": 0.01 * np.sin(time_s**1.3 * 3e5), "tone": np.sin(2 * np.pi * 100 * time_s)}
    sounds["clipped"] = np.clip(1.2 * sounds["tone"], -1, 1)
    for name, samples in sounds.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 22050, subtype="FLOAT")
    clips = pd.DataFrame({"genre": "x", "path": [str(tmp_path / f"{name}.wav") for name in sounds]}, index=list(sounds))
    assert list(faults.find_distortion(Corpus("four", clips)).index) == ["clipped"]


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_clipping_is_found_at_every_sample_rate(tmp_path, rate_hz):
    soundfile.write(tmp_path / "a.wav", np.clip(np.random.default_rng(0).normal(size=rate_hz), -1, 1), rate_hz)
    clips = pd.DataFrame({"genre": ["rock"], "path": [str(tmp_path / "a.wav")]}, index=["a"])
    assert list(faults.find_distortion(Corpus("one", clips)).index) == ["a"]


def test_distortion_is_not_sought_without_audio():
    with pytest.raises(DataError, match="corpus features: no audio file is at hand for a"):
        faults.find_distortion(Corpus("features", pd.DataFrame({"genre": ["rock"]}, index=["a"])))


def clusters(n_clips: int = 20, spread: float = 0.2) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Clips of three well separated genres."""
    labels = np.repeat(["blues", "jazz", "rock"], n_clips)
    centres = {"blues": (4, 0, 0), "jazz": (0, 4, 0), "rock": (0, 0, 4)}
    features = np.array([centres[label] for label in labels]) + np.random.default_rng(0).normal(0, spread, (len(labels), 3))
    return [f"clip {i:02d}" for i in range(len(labels))], features, labels


def test_wrong_labels_are_found_with_the_right_genre():
    track_ids, features, labels = clusters()
    wrong = labels.copy()
    wrong[[3, 25]] = "rock"
    found = faults.find_mislabels(track_ids, features, wrong)
    assert found["suspected"].to_dict() == {"clip 03": "blues", "clip 25": "jazz"}
    assert (found["label"] == "rock").all()
    assert (found["p_label"] < found["p_suspected"]).all()
    assert found["p_label"].is_monotonic_increasing


def test_right_labels_are_left_alone():
    assert faults.find_mislabels(*clusters()).empty


def test_a_clip_that_is_only_likelier_of_another_genre_is_left_alone():
    track_ids, features, labels = clusters()
    between = np.concatenate([features, [[1, 3, 0]]])
    assert faults.find_mislabels([*track_ids, "between"], between, [*labels, "blues"]).empty


def test_mislabels_of_a_genre_with_too_few_clips_say_what_to_do():
    with pytest.raises(DataError, match="genre blues has 3 clips, too few for 5 folds; leave it out"):
        faults.find_mislabels(*clusters(n_clips=3))
    with pytest.raises(DataError, match="clips of 1 genre cannot be told apart"):
        faults.find_mislabels(list("abcdef"), np.eye(6), ["blues"] * 6)


def test_known_replicas_of_gtzan_are_found(real_data, monkeypatch, tmp_path):
    """All pairs of byte-identical files among the clips that have any fault; whatever else is called a recording shares its artist."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path))
    corpus, values = archives.import_log_mel("gtzan", need(real_data, "gtzan_logmel.npz"), progress=False).read()
    clips = corpus.clips
    faulty = np.flatnonzero(clips["fault"].notna())
    found = faults.find_repeats(clips.index[faulty], values[faulty, 0])
    known = gtzan.facts()["fault"].dropna()
    known = known[known.str.startswith("replica:")].str.removeprefix("replica:")
    assert pairs(found[found["kind"] == "replica"]) == {frozenset(pair) for pair in known.items()}
    recordings = found[found["kind"] == "recording"]
    artists = clips["artist"]
    assert (artists[recordings["first"]].to_numpy() == artists[recordings["second"]].to_numpy()).all()
