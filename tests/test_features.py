"""Log-mel spectrograms and MFCCs against librosa, and the rules that all features share."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
import scipy.ndimage
from conftest import need
from hypothesis import given
from hypothesis import strategies as st

from musicgenre.corpora import audio
from musicgenre.errors import DataError, SettingsError
from musicgenre.features import Feature, LogMel, MelImage, Mfcc, Vector57, kernels, spectral

RATE_HZ = 22050


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Tones that change every half second, a beat of noise, and a soft hiss: float32, mono."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    notes = rng.integers(40, 76, size=int(2 * seconds) + 1)[(2 * time_s).astype(int)]
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((notes - 68.7) / 12)) / RATE_HZ
    tones = sum(np.sin(k * phase) / k for k in range(1, 6))
    beat = rng.standard_normal(len(time_s)) * np.exp(-30 * (time_s % 0.47))
    return (0.1 * tones + 0.2 * beat + 0.002 * rng.standard_normal(len(time_s))).astype(np.float32)


SETTINGS = [
    {},
    {"top_db": None},
    {"n_fft": 512, "hop_length": 256, "n_mels": 64, "segment_s": 2.0, "n_segments": 14},
    {"sample_rate_hz": 16000, "n_mels": 37, "hop_length": 400},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_log_mel_and_mfcc_have_librosas_numbers(settings):
    clip = music(30)
    feature, mfcc = LogMel(**settings), Mfcc(**settings, n_mfcc=13)
    values, coefficients = feature(clip), mfcc(clip)
    length = round(feature.segment_s * feature.sample_rate_hz)
    for i, ours in enumerate(values):
        segment = clip[i * length : (i + 1) * length]
        mel = librosa.feature.melspectrogram(
            y=segment, sr=feature.sample_rate_hz, n_fft=feature.n_fft, hop_length=feature.hop_length, n_mels=feature.n_mels
        )
        reference = librosa.power_to_db(mel, top_db=feature.top_db)
        np.testing.assert_allclose(ours, reference.T, rtol=0, atol=1e-3)  # dB
        np.testing.assert_allclose(coefficients[i], librosa.feature.mfcc(S=reference, n_mfcc=13).T, rtol=0, atol=5e-3)
    assert (values.shape, values.dtype) == ((feature.n_segments, *feature.shape), feature.dtype)
    assert (coefficients.shape, coefficients.dtype) == ((mfcc.n_segments, *mfcc.shape), mfcc.dtype)


def test_mfcc_with_defaults_is_librosas_mfcc():
    clip = music(3)
    np.testing.assert_allclose(Mfcc(n_segments=1)(clip)[0], librosa.feature.mfcc(y=clip, n_mfcc=23).T, rtol=0, atol=5e-3)


@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_stft_is_librosas(pad_mode):
    clip = music(2)
    reference = librosa.stft(clip, pad_mode=pad_mode).T
    np.testing.assert_allclose(spectral.stft(clip, pad_mode=pad_mode), reference, rtol=0, atol=1e-6 * np.abs(reference).max())


def test_more_mel_bands_than_bins_leave_bands_empty_as_in_librosa():
    power = np.abs(spectral.stft(music(1), n_fft=256)) ** 2
    with pytest.warns(UserWarning, match="Empty filters"):
        reference = librosa.feature.melspectrogram(S=power.T, sr=96000, n_mels=200).T
        ours = spectral.melspectrogram(power, sample_rate_hz=96000, n_mels=200)
    np.testing.assert_allclose(ours, reference, rtol=1e-4)


def test_harmonic_and_percussive_parts_are_librosas_and_add_up():
    clip = music(3)
    harmonic, percussive = spectral.harmonic_percussive(clip, spectral.stft(clip))
    np.testing.assert_allclose(harmonic, librosa.effects.harmonic(clip), rtol=0, atol=1e-6)
    np.testing.assert_allclose(percussive, librosa.effects.percussive(clip), rtol=0, atol=1e-6)
    np.testing.assert_allclose(harmonic + percussive, clip, rtol=0, atol=1e-6)


@given(st.integers(15, 70), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_running_median_is_scipys(n, n_columns, seed):
    values = np.random.default_rng(seed).integers(0, 9, size=(n, n_columns)).astype(np.float32)  # with ties
    np.testing.assert_array_equal(kernels.running_median(values), scipy.ndimage.median_filter(values, size=(31, 1), mode="reflect"))


@given(st.integers(2, 40))
def test_a_sorting_network_for_all_ranks_sorts(n):
    values = np.random.default_rng(n).permutation(n)
    for i, j in kernels.sorting_network(n, range(n)):
        values[[i, j]] = sorted(values[[i, j]])
    np.testing.assert_array_equal(values, np.arange(n))


@given(st.floats(0.01, 100))
def test_a_louder_clip_shifts_log_mel_and_changes_only_the_first_mfcc(gain):
    clip = music(3)
    feature = LogMel(n_segments=1)
    quiet, loud = feature(clip)[0], feature(np.float32(gain) * clip)[0]
    np.testing.assert_allclose(loud - quiet, 20 * np.log10(gain), atol=2e-3)
    before, after = (spectral.mfcc_from_log_mel(log_mel, 20)[:, 1:] for log_mel in (quiet, loud))
    np.testing.assert_allclose(before, after, atol=0.02)


EVERY_FEATURE = [LogMel(), Mfcc(), MelImage(), Vector57(segment_s=3.0, n_segments=10)]


@pytest.mark.parametrize("feature", EVERY_FEATURE, ids=lambda feature: feature.name)
def test_every_feature_of_a_silent_clip_is_finite(feature):
    values = feature(np.zeros(30 * RATE_HZ, np.float32))
    assert (values.shape, values.dtype) == ((10, *feature.shape), feature.dtype)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("feature", EVERY_FEATURE, ids=lambda feature: feature.name)
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_bad_samples_are_refused(feature, bad):
    clip = music(30)
    clip[1000] = bad
    with pytest.raises(DataError, match="finite"):
        feature(clip)


@pytest.mark.parametrize("feature", EVERY_FEATURE, ids=lambda feature: feature.name)
def test_a_segment_knows_nothing_of_its_neighbours(feature):
    clip, other = music(30), music(30, seed=1)
    joined = np.concatenate([other[: 6 * RATE_HZ], clip[6 * RATE_HZ :]])
    np.testing.assert_array_equal(feature(joined)[2:], feature(clip)[2:])
    assert not np.array_equal(feature(joined)[:2], feature(clip)[:2])


def test_a_last_segment_short_by_a_tenth_is_filled_with_zeros():
    feature, clip = LogMel(), music(29.7)
    filled = np.pad(clip, (0, 30 * RATE_HZ - len(clip)))
    np.testing.assert_array_equal(feature(clip), feature(filled))
    with pytest.raises(DataError, match=r"clip lasts 29\.6 s; 10 segments of 3 s need 30 s"):
        feature(music(29.6))


def test_what_is_left_over_is_dropped():
    clip = music(30.6)
    np.testing.assert_array_equal(LogMel()(clip), LogMel()(clip[: 30 * RATE_HZ]))


def test_stereo_and_too_short_clips_are_refused():
    with pytest.raises(DataError, match="mono"):
        LogMel()(np.zeros((30 * RATE_HZ, 2), np.float32))
    with pytest.raises(DataError, match="100 samples are fewer than one frame of 2048"):
        Vector57()(np.zeros(100, np.float32))


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (LogMel, {"n_segments": 0}, "n_segments=0 is not a whole number above 0"),
        (LogMel, {"n_mels": -3}, "n_mels=-3 is not a whole number above 0"),
        (LogMel, {"hop_length": 0}, "hop_length=0 is not a whole number above 0"),
        (LogMel, {"n_fft": 512.5}, "n_fft=512.5 is not a whole number above 0"),
        (LogMel, {"n_fft": 511}, "n_fft=511 is odd"),
        (LogMel, {"keep_frames": 0}, "keep_frames=0 is neither null nor a whole number"),
        (LogMel, {"segment_s": None, "keep_frames": 10}, "n_segments=10 with segment_s=None; a whole clip"),
        (LogMel, {"segment_s": None, "n_segments": 1}, "segment_s=None needs keep_frames"),
        (LogMel, {"segment_s": 0.0}, "segment_s=0.0 is shorter than one sample"),
        (LogMel, {"segment_s": "3"}, "segment_s='3' is no number of seconds"),
        (LogMel, {"segment_s": float("inf")}, "segment_s=inf is shorter than one sample, or no length"),
        (LogMel, {"top_db": -10}, "top_db=-10 is neither null nor a number of dB above 0"),
        (Mfcc, {"n_mfcc": 129}, r"n_mfcc=129 is more than there are mel bands \(n_mels=128\)"),
        (MelImage, {"hop_length": "512"}, "hop_length='512' is not a whole number above 0"),
        (MelImage, {"size": 64}, "size=64 is not the height and the width of a picture in pixels"),
        (MelImage, {"size": (64, 0)}, r"size=\(64, 0\) is not the height and the width"),
    ],
)
def test_wrong_parameters_are_refused(kind, wrong, message):
    with pytest.raises(SettingsError, match=message):
        kind(**wrong)


def test_the_split_into_harmonic_and_percussive_needs_whole_hops():
    clip = music(1.0)
    with pytest.raises(SettingsError, match="hop_length=500: a frame of 2048 samples is not a whole number of hops"):
        spectral.harmonic_percussive(clip, spectral.stft(clip, hop_length=500), hop_length=500)


def test_kept_frames_are_frames_of_the_whole_spectrogram():
    clip = music(30.3)
    whole = librosa.power_to_db(librosa.feature.melspectrogram(y=clip)).T
    kept = LogMel(segment_s=None, n_segments=1, keep_frames=100)(clip)[0]
    np.testing.assert_allclose(kept, whole[spectral.evenly_spread(len(whole), 100)], rtol=0, atol=1e-3)
    with pytest.raises(DataError, match="keep_frames=100"):
        LogMel(segment_s=None, n_segments=1, keep_frames=100)(clip[: 2 * RATE_HZ])


@given(st.integers(1, 400), st.integers(0, 2000))
def test_evenly_spread_frames_rise_and_exist(keep_frames, more):
    n_frames = keep_frames + more
    positions = spectral.evenly_spread(n_frames, keep_frames)
    assert positions[0] >= 0 and positions[-1] < n_frames
    assert len(positions) == keep_frames and (np.diff(positions) > 0).all()


def test_evenly_spread_frames_lie_in_the_middle_of_equal_parts():
    assert spectral.evenly_spread(10, 3).tolist() == [1, 4, 7]


def test_features_are_light_to_import_and_are_features():
    heavy = ("librosa", "numba", "matplotlib", "PIL", "tensorflow", "keras")
    code = f"import sys, musicgenre.features; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    assert all(isinstance(feature, Feature) for feature in EVERY_FEATURE)


def test_the_gtzan_log_mel_archive_is_our_log_mel(real_data):
    with np.load(need(real_data, "gtzan_logmel.npz"), allow_pickle=False) as stored:
        track_id, code, floor_db, peak_db = (stored[name] for name in ("track_id", "code", "floor_db", "peak_db"))
        for frames, n_frames in zip(stored["frame_index"], stored["n_frames"], strict=True):
            np.testing.assert_array_equal(spectral.evenly_spread(int(n_frames), 387), frames)
    row_of = {name: row for row, name in enumerate(track_id)}
    paths = [path for path in sorted(real_data.rglob("*.wav")) if path.stem in row_of][::3][:10]
    assert paths or not list(real_data.rglob("*.wav"))
    for path in paths:
        row = row_of[path.stem]
        decoded = (floor_db[row] * (1 - code[row] / 255) + peak_db[row]).T
        ours = LogMel(segment_s=None, n_segments=1, keep_frames=387)(audio.read(path))[0]
        assert np.sqrt(np.mean((ours - decoded) ** 2)) < 0.25, path.stem  # dB; steps of the archive are 0.3 dB
