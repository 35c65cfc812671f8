"""The 57 numbers against librosa called feature by feature, and against the well-known table itself."""

import librosa
import numpy as np
import pandas as pd
import pytest
from conftest import need
from test_features import RATE_HZ, music

from musicgenre.corpora import audio
from musicgenre.features import Vector57, vector57
from musicgenre.features.vector57 import COLUMNS


def recipe(clip: np.ndarray, sr: int = RATE_HZ) -> np.ndarray:
    """Follow the well-known recipe: one librosa call for each feature."""
    features = [
        librosa.feature.chroma_stft(y=clip, sr=sr),
        librosa.feature.rms(y=clip),
        librosa.feature.spectral_centroid(y=clip, sr=sr),
        librosa.feature.spectral_bandwidth(y=clip, sr=sr),
        librosa.feature.spectral_rolloff(y=clip, sr=sr),
        librosa.feature.zero_crossing_rate(clip),
        librosa.effects.harmonic(clip),
        librosa.effects.percussive(clip),
    ]
    return in_columns(features, librosa.beat.beat_track(y=clip, sr=sr)[0], librosa.feature.mfcc(y=clip, sr=sr))


def recipe_0_7(clip: np.ndarray) -> np.ndarray:
    """Follow the recipe as librosa 0.7 did: ends mirrored, harmonic and percussive part silent after the last whole hop."""
    mirrored, end = {"pad_mode": "reflect"}, len(clip) // 512 * 512
    harmonic, percussive = (librosa.istft(part, length=len(clip)) for part in librosa.decompose.hpss(librosa.stft(clip, **mirrored)))
    harmonic[end:] = percussive[end:] = 0
    names = ("chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "spectral_rolloff")
    features = [getattr(librosa.feature, name)(y=clip, **mirrored) for name in names]
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=clip, **mirrored))
    tempo = librosa.beat.beat_track(onset_envelope=librosa.onset.onset_strength(S=mel, aggregate=np.median))[0]
    return in_columns([*features, librosa.feature.zero_crossing_rate(clip), harmonic, percussive], tempo, librosa.feature.mfcc(S=mel))


def in_columns(features: list[np.ndarray], tempo: np.ndarray, mfcc: np.ndarray) -> np.ndarray:
    """Mean and variance of each series, in the order of the table."""
    before, after = ([[np.mean(values, dtype=float), np.var(values, dtype=float)] for values in series] for series in (features, mfcc))
    return np.concatenate([np.ravel(before), np.ravel(tempo), np.ravel(after)])


def assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    # Relative tolerance; means that lie near zero are compared on the scale of what they are means of.
    ours, theirs = (pd.Series(values, index=COLUMNS) for values in (ours, theirs))
    scale = theirs.abs()
    for name in ("harmony", "perceptr", *(f"mfcc{i}" for i in range(1, 21))):
        scale[f"{name}_mean"] += np.sqrt(theirs[f"{name}_var"])
    tolerance = pd.Series(1e-5, index=COLUMNS)
    tolerance[["rolloff_mean", "rolloff_var"]] = 1e-4  # a frame whose energy lies on the edge of two bins may fall to either
    tolerance[["tempo", "zero_crossing_rate_mean", "zero_crossing_rate_var"]] = 1e-12
    off = (ours - theirs).abs() / (scale * tolerance + 1e-12)
    assert (off < 1).all(), off[off >= 1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_vector57_has_librosas_numbers(seed):
    clip = music(8.3, seed)
    assert_close(Vector57()(clip)[0], recipe(clip))


@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_vector57_has_librosas_numbers_at_other_sample_rates(rate_hz):
    clip = music(8.3)
    assert_close(Vector57(sample_rate_hz=rate_hz)(clip)[0], recipe(clip, sr=rate_hz))


def test_vector57_has_the_numbers_of_librosa_0_7_where_they_are_asked_for():
    clip = music(8.3)
    assert_close(Vector57(librosa_0_7=True)(clip)[0], recipe_0_7(clip))


def test_segments_are_computed_on_their_own():
    clip = music(6)
    values = Vector57(segment_s=3.0, n_segments=2)(clip)
    for i, ours in enumerate(values):
        assert_close(ours, recipe(clip[i * 3 * RATE_HZ : (i + 1) * 3 * RATE_HZ]))


def test_the_parts_have_librosas_numbers_where_a_clip_has_silence_and_clicks():
    clip = music(4)
    clip[RATE_HZ : 2 * RATE_HZ] = 0
    clip[3 * RATE_HZ] = 1
    assert_close(Vector57()(clip)[0], recipe(clip))
    np.testing.assert_allclose(vector57.rms(clip), librosa.feature.rms(y=clip)[0], rtol=1e-5)
    np.testing.assert_array_equal(vector57.zero_crossing_rate(clip), librosa.feature.zero_crossing_rate(clip)[0])
    power = np.abs(librosa.stft(clip).T) ** 2
    assert vector57.tuning(power, RATE_HZ) == librosa.estimate_tuning(S=power.T)


def test_a_silent_clip_has_no_tempo_and_no_energy():
    values = pd.Series(Vector57()(np.zeros(3 * RATE_HZ, np.float32))[0], index=COLUMNS)
    assert values["tempo"] == 0
    assert (values.drop("mfcc1_mean").abs() < 1e-6).all()


def test_a_louder_clip_changes_only_what_measures_loudness():
    clip = music(4)
    quiet, loud = (pd.Series(Vector57()(samples)[0], index=COLUMNS) for samples in (clip, 2 * clip))
    changed = ["rms_mean", "rms_var", "harmony_mean", "harmony_var", "perceptr_mean", "perceptr_var", "mfcc1_mean"]
    np.testing.assert_allclose(loud.drop(changed), quiet.drop(changed), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(loud["rms_mean"], 2 * quiet["rms_mean"], rtol=1e-6)


@pytest.fixture(scope="module")
def table_and_clips(real_data):
    """Return the rows of the well-known table whose clips are at hand, every column's spread in the whole table, and the clips."""
    need(real_data, "blues.*.wav")
    table = pd.read_csv(need(real_data, "features_30_sec.csv")).set_index("filename")
    clips = {path.name: audio.read(path) for path in sorted(real_data.rglob("*.wav"))[::5][:6] if path.name in table.index}
    return table.loc[list(clips)], table[list(COLUMNS)].std(), list(clips.values())


def deviation(feature: Vector57, table_and_clips) -> pd.Series:
    """Largest deviation of each column from the table, in standard deviations of the column."""
    rows, spread, clips = table_and_clips
    ours = np.concatenate([feature(clip) for clip in clips])
    return ((ours - rows[list(COLUMNS)]).abs() / spread).max()


def test_the_well_known_table_was_made_with_the_recipe_in_librosa_0_7(table_and_clips):
    rows, _, clips = table_and_clips
    assert tuple(rows.columns) == ("length", *COLUMNS, "label")
    assert list(rows["length"]) == [len(clip) for clip in clips]  # whole clips
    assert deviation(Vector57(librosa_0_7=True), table_and_clips).max() < 1e-4


def test_todays_librosa_moves_the_table_by_little(table_and_clips):
    off = deviation(Vector57(), table_and_clips)
    assert 1e-3 < off.max() < 0.15
    assert (off[["tempo", "zero_crossing_rate_mean", "zero_crossing_rate_var"]] < 1e-9).all()  # need no padding with zeros


def test_the_ten_second_table_was_made_with_the_recipe_in_todays_librosa(real_data):
    need(real_data, "blues.*.wav")
    table = pd.read_csv(need(real_data, "features_10_sec.csv")).set_index("filename")[list(COLUMNS)]
    paths = {path.stem: path for path in sorted(real_data.rglob("*.wav"))[::10] if f"{path.stem}.0.wav" in table.index}
    for track_id, path in list(paths.items())[:3]:
        rows = table.loc[[f"{track_id}.{i}.wav" for i in range(3)]]
        off = (Vector57(segment_s=10.0, n_segments=3)(audio.read(path)) - rows).abs() / table.std()
        assert off.max(axis=None) < 1e-4, track_id
