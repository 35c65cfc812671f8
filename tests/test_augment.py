"""Augmentation: what noise and shifts of pitch do to audio and to log-mel spectrograms, and that the two agree."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musicgenre import augment
from musicgenre.features import LogMel

RATE_HZ = 22050
LOG_MEL = LogMel(n_fft=512, hop_length=256, n_mels=64, segment_s=2.0, n_segments=1)
seeds = st.integers(0, 2**32 - 1)
spectrograms = arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 8), st.just(64)), elements=st.floats(-100, 40, width=32))
quick = settings_of_hypothesis(max_examples=40, deadline=None)


def tone(hz: float, n_samples: int = 2 * RATE_HZ) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(n_samples) / RATE_HZ)).astype(np.float32)


def loudest_hz(samples: np.ndarray) -> float:
    return np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


# Audio


@given(seeds, st.floats(0, 2), st.floats(0.01, 1))
@quick
def test_noise_is_as_loud_as_its_level_says(seed, level, gain):
    samples = gain * tone(440)
    noise = augment.add_noise(samples, np.random.default_rng(seed), level=level) - samples
    assert rms(noise) == pytest.approx(level * rms(samples), rel=0.03, abs=1e-6)


def test_noise_is_white():
    samples = tone(440, 8 * RATE_HZ)
    spectrum = np.abs(np.fft.rfft(augment.add_noise(samples, np.random.default_rng(0)) - samples)) ** 2
    bands = spectrum[: len(spectrum) // 10 * 10].reshape(10, -1).mean(axis=1)
    assert np.allclose(bands / bands.mean(), 1, atol=0.1)


def test_noise_in_silence_is_silence():
    assert not augment.add_noise(np.zeros(1000, np.float32), np.random.default_rng(0)).any()


@pytest.mark.parametrize("semitones", [-2.0, -0.5, 1.0, 2.0])
def test_a_shift_moves_the_pitch_and_keeps_the_duration(semitones):
    shifted = augment.shift_pitch(tone(880), semitones)
    assert shifted.shape == (2 * RATE_HZ,) and shifted.dtype == np.float32
    assert loudest_hz(shifted) == pytest.approx(880 * 2 ** (semitones / 12), rel=0.005)


@given(seeds)
@quick
def test_augmented_audio_follows_from_the_generator(seed):
    samples = tone(660, 4096)
    first, again = (augment.augment_audio(samples, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == samples.shape and first.dtype == np.float32


def test_noise_shift_both_and_neither_happen_equally_often():
    samples, rng = tone(660, 8192), np.random.default_rng(0)
    counts = dict.fromkeys(["neither", "noise", "shift", "both"], 0)
    for _ in range(200):
        changed = augment.augment_audio(samples, rng)
        spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed)))) ** 2
        noisy = np.median(spectrum) > 1e-3  # noise fills the bins where the tone is not
        shifted = abs(loudest_hz(changed) - loudest_hz(samples)) > 2
        counts["both" if noisy and shifted else "noise" if noisy else "neither" if np.array_equal(changed, samples) else "shift"] += 1
    assert all(30 <= count <= 70 for count in counts.values()), counts


# The feature


def test_the_feature_augments_each_segment_on_its_own():
    feature = augment.AugmentedLogMel(**{**vars(LOG_MEL), "n_segments": 8}, seed=3)
    rng = np.random.default_rng(0)
    clip = np.concatenate([tone(hz) for hz in rng.uniform(200, 2000, 8)])
    plain = replace(LOG_MEL, n_segments=8)(clip)
    augmented = feature(clip)
    assert augmented.shape == plain.shape and augmented.dtype == np.float32
    unchanged = [np.array_equal(a, b) for a, b in zip(augmented, plain, strict=True)]
    assert 0 < sum(unchanged) < 8
    other = clip.copy()
    other[-2 * RATE_HZ :] = tone(3000)  # another last segment
    assert np.array_equal(feature(other)[:-1], augmented[:-1])


def test_the_feature_follows_from_its_seed():
    clip = tone(880)
    made = [augment.AugmentedLogMel(**vars(LOG_MEL), seed=seed)(clip) for seed in (0, 0, *range(1, 12))]
    assert np.array_equal(made[0], made[1])
    assert len({values.tobytes() for values in made}) > 3


# Log-mel spectrograms


@given(spectrograms, seeds, st.floats(0, 1))
@quick
def test_noise_takes_nothing_away_and_leaves_the_original(log_mel, seed, level):
    before = log_mel.copy()
    noisy = augment.add_noise_to_log_mel(log_mel, np.random.default_rng(seed), level=level)
    assert noisy.shape == log_mel.shape and noisy.dtype == np.float32
    assert np.array_equal(log_mel, before)
    assert (noisy >= log_mel - 1e-3).all()


@given(spectrograms, st.floats(-12, 12))
@quick
def test_a_shifted_spectrogram_stays_between_its_extremes(log_mel, semitones):
    shifted = augment.shift_log_mel(log_mel, semitones)
    assert shifted.shape == log_mel.shape and shifted.dtype == np.float32
    low, high = (bound(log_mel, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    assert ((shifted >= low - 1e-3) & (shifted <= high + 1e-3)).all()


@given(spectrograms)
@quick
def test_no_shift_changes_nothing(log_mel):
    assert np.allclose(augment.shift_log_mel(log_mel, 0), log_mel, atol=1e-3)


@given(spectrograms, seeds)
@quick
def test_augmented_spectrograms_follow_from_the_generator_and_leave_the_original(log_mel, seed):
    before = log_mel.copy()
    first, again = (augment.augment_log_mel(log_mel, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(first, again) and np.array_equal(log_mel, before)
    assert not np.shares_memory(first, log_mel)


def test_about_a_quarter_of_spectrograms_is_left_as_it_was():
    log_mel = np.random.default_rng(0).uniform(-60, 0, (400, 4, 64)).astype(np.float32)
    augmented = augment.augment_log_mel(log_mel, np.random.default_rng(1))
    assert 0.18 < (augmented == log_mel).all(axis=(1, 2)).mean() < 0.32


@pytest.mark.parametrize(
    ("name", "augmented"),
    [
        ("shift_pitch", lambda rng: augment.augment_audio(tone(440, 1000), rng)),
        ("shift_log_mel", lambda rng: augment.augment_log_mel(np.zeros((1, 4, 64)), rng)),
    ],
)
def test_shifts_go_up_and_down_by_two_semitones_at_most(monkeypatch, name, augmented):
    asked = []

    def shift(values, semitones, **_):
        asked.append(semitones)
        return values

    monkeypatch.setattr(augment, name, shift)
    rng = np.random.default_rng(0)
    for _ in range(400):
        augmented(rng)
    assert -2 <= min(asked) < -1.5 and 1.5 < max(asked) <= 2


# Audio and log-mel spectrograms agree


@pytest.mark.parametrize("n_fft", [512, 2048])
def test_noise_on_a_spectrogram_is_as_loud_and_as_rough_as_on_audio(n_fft):
    feature = replace(LOG_MEL, n_fft=n_fft, hop_length=n_fft, segment_s=30.0, top_db=None)  # frames that do not overlap are independent
    samples, rng = tone(1000, 30 * RATE_HZ), np.random.default_rng(0)
    before = feature(samples)[0]
    on_audio = feature(augment.add_noise(samples, rng, level=0.5))[0]
    on_mel = augment.add_noise_to_log_mel(before, rng, level=0.5, n_fft=n_fft)
    quiet = (before[2:-2] < before.max() - 60).all(axis=0)  # bands that hold nothing but noise
    assert quiet.sum() > 20
    power = [np.power(10, values[2:-2][:, quiet] / 10) for values in (on_audio, on_mel)]
    mean, sd = ([values.mean(axis=0) for values in power], [values.std(axis=0) for values in power])
    assert np.allclose(10 * np.log10(mean[1] / mean[0]), 0, atol=1)  # dB
    assert np.allclose(10 * np.log10(sd[1] / sd[0]), 0, atol=2)


@pytest.mark.parametrize("semitones", [-2.0, 2.0])
@pytest.mark.parametrize("hz", [440.0, 1500.0, 4000.0])
def test_a_shift_of_a_spectrogram_moves_a_tone_where_audio_does(hz, semitones):
    moved = augment.shift_log_mel(LOG_MEL(tone(hz))[0], semitones)
    played = LOG_MEL(tone(hz * 2 ** (semitones / 12)))[0]
    assert abs(int(moved[20:-20].mean(axis=0).argmax()) - int(played[20:-20].mean(axis=0).argmax())) <= 1


def test_what_comes_from_above_the_highest_frequency_is_silent():
    log_mel = np.zeros((1, 4, 64), np.float32)
    log_mel[..., :10] = -70
    shifted = augment.shift_log_mel(log_mel, -2)
    assert (shifted[..., -1] == -70).all() and (shifted[..., 30] == 0).all()
