"""Time feature extraction beside librosa's own loop, plain PyTorch and Essentia: per clip of 30 s, decoding included, on one core.

The numbers of all ways are compared before anything is timed. PyTorch and Essentia are timed where they are installed.
"""

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import librosa
import numpy as np
import scipy.fft
import soundfile

from benchmarks.common import Row, in_turn, report
from musicgenre import corpora
from musicgenre.corpora import audio
from musicgenre.corpora.corpus import Corpus
from musicgenre.features import LogMel, MelImage, Mfcc, Vector57, spectral, store
from musicgenre.features.images import colour_image

WHOLE_CLIP = {"segment_s": 30.0, "n_segments": 1}
N_FFT, HOP_LENGTH = 2048, 512
N_PICTURES, SEGMENTS = 10_000, 10
RTOL = 1e-4
MS_A_CLIP = "ms a clip"


def log_mel_by_librosa(path: str) -> np.ndarray:
    samples, rate = librosa.load(path)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=rate)).T


def log_mel_by_torch() -> Callable[[str], np.ndarray] | None:
    """Return plain PyTorch: ``torch.stft`` and one matrix product."""
    if not importlib.util.find_spec("torch"):
        return None
    import torch

    torch.set_num_threads(1)
    window = torch.hann_window(N_FFT)
    filters = torch.from_numpy(librosa.filters.mel(sr=audio.SAMPLE_RATE_HZ, n_fft=N_FFT))

    def log_mel(path: str) -> np.ndarray:
        samples = torch.from_numpy(soundfile.read(path, dtype="float32")[0])
        spectrum = torch.stft(samples, N_FFT, HOP_LENGTH, window=window, pad_mode="constant", return_complex=True)
        db = 10 * torch.log10(torch.clamp(filters @ spectrum.abs() ** 2, min=1e-10))
        return torch.maximum(db, db.max() - 80).T.numpy()

    return log_mel


def log_mel_by_essentia() -> Callable[[str], np.ndarray] | None:
    """Return Essentia's standard mode: its algorithms frame by frame, as in its tutorials, set to librosa's filters."""
    if not importlib.util.find_spec("essentia"):
        return None
    import essentia

    essentia.log.infoActive = False
    from essentia import standard

    window = standard.Windowing(type="hann", normalized=False, zeroPhase=False, symmetric=False)
    power = standard.PowerSpectrum(size=N_FFT)
    rate = audio.SAMPLE_RATE_HZ
    bands = standard.MelBands(
        inputSize=N_FFT // 2 + 1,
        numberBands=128,
        sampleRate=rate,
        highFrequencyBound=rate / 2,
        warpingFormula="slaneyMel",
        weighting="linear",
        normalize="unit_tri",
        type="magnitude",
    )

    def log_mel(path: str) -> np.ndarray:
        samples = standard.MonoLoader(filename=path, sampleRate=rate)()
        frames = standard.FrameGenerator(samples, frameSize=N_FFT, hopSize=HOP_LENGTH)
        return librosa.power_to_db(np.array([bands(power(window(frame))) for frame in frames]))

    return log_mel


def mfcc_by_librosa(path: str) -> np.ndarray:
    samples, rate = librosa.load(path)
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=23).T


def vector57_by_librosa(path: str) -> np.ndarray:
    """Compute the 57 numbers by the well-known recipe: one call of librosa for each feature."""
    y, sr = librosa.load(path)
    series = [
        librosa.feature.chroma_stft(y=y, sr=sr),
        librosa.feature.rms(y=y),
        librosa.feature.spectral_centroid(y=y, sr=sr),
        librosa.feature.spectral_bandwidth(y=y, sr=sr),
        librosa.feature.spectral_rolloff(y=y, sr=sr),
        librosa.feature.zero_crossing_rate(y),
        librosa.effects.harmonic(y),
        librosa.effects.percussive(y),
    ]
    tempo = np.ravel(librosa.beat.beat_track(y=y, sr=sr)[0])
    series_mfcc = list(librosa.feature.mfcc(y=y, sr=sr))
    pairs = [np.array([[values.mean(), values.var()] for values in part]).ravel() for part in (series, series_mfcc)]
    return np.concatenate([pairs[0], tempo, pairs[1]])


def check(ours: np.ndarray, theirs: np.ndarray, what: str, atol: float) -> None:
    """Stop where the numbers differ: times of different work cannot be compared."""
    n_frames = min(len(ours), len(theirs))  # Essentia leaves out or adds a last frame
    assert abs(len(ours) - len(theirs)) <= 1, f"{what}: {len(ours)} frames beside {len(theirs)}"
    np.testing.assert_allclose(theirs[:n_frames], ours[:n_frames], err_msg=what, rtol=RTOL, atol=atol)


def extraction_rows(paths: list[str]) -> list[Row]:
    log_mel, mfcc, vector = LogMel(**WHOLE_CLIP), Mfcc(n_mfcc=23, **WHOLE_CLIP), Vector57()
    cases = [
        (
            "log-mel, 128 bands",
            {
                "ours": lambda path: log_mel(audio.read(path))[0],
                "librosa": log_mel_by_librosa,
                "PyTorch": log_mel_by_torch(),
                "Essentia": log_mel_by_essentia(),
            },
            {"librosa": 1e-3, "PyTorch": 1e-3, "Essentia": 2e-2},  # Essentia computes its filters in single precision
            4.0,
        ),
        ("23 MFCCs", {"ours": lambda path: mfcc(audio.read(path))[0], "librosa": mfcc_by_librosa}, {"librosa": 5e-3}, None),
        (
            "57 numbers",
            {"ours": lambda path: vector(audio.read(path))[0], "librosa": vector57_by_librosa},
            {"librosa": 1e-6},
            10.0,
        ),
    ]
    rows = []
    for name, ways, atol, at_least in cases:
        for path in paths:
            for way, function in ways.items():
                if function and way != "ours":
                    check(ways["ours"](path), function(path), f"{name} by {way}", atol[way])
        values = in_turn({way: function and for_all(function, paths) for way, function in ways.items()}, scale=1e3 / len(paths))
        checked = f"relative {RTOL:g}; absolute {', '.join(f'{value:g} ({way})' for way, value in atol.items())}"
        rows.append(Row(name=name, unit=MS_A_CLIP, values=values, checked=checked, at_least=at_least, against=["librosa"]))
    return rows


def for_all(function: Callable[[str], object], paths: list[str]) -> Callable[[], None]:
    def run() -> None:
        for path in paths:
            function(path)

    return run


def floor_rows(path: str) -> list[Row]:
    """Time the steps of the log-mel spectrogram alone, in blocks as in the feature, and the bare FFT of the same frames elsewhere."""
    samples = audio.read(path)
    spectrum = spectral.stft(samples)
    power = np.abs(spectrum) ** 2
    mel = spectral.melspectrogram(power)
    padded = np.pad(samples, N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    windowed = frames * spectral.hann(N_FFT)
    log_mel = LogMel(**WHOLE_CLIP)

    def blocks(function: Callable[[np.ndarray], object], values: np.ndarray) -> Callable[[], None]:
        return lambda: [function(values[i : i + spectral.BLOCK_FRAMES]) for i in range(0, len(values), spectral.BLOCK_FRAMES)]

    steps = {
        "all": lambda: log_mel(audio.read(path)),
        "decoding": lambda: audio.read(path),
        "window": blocks(lambda block: block * spectral.hann(N_FFT), frames),
        "FFT": blocks(scipy.fft.rfft, windowed),
        "power": blocks(lambda block: np.abs(block) ** 2, spectrum),
        "mel bands": blocks(spectral.melspectrogram, power),
        "decibels": lambda: spectral.power_to_db(mel),
    }
    ffts: dict[str, Callable | None] = {"SciPy (ours)": steps["FFT"], "NumPy": blocks(np.fft.rfft, windowed), "PyTorch": None}
    if importlib.util.find_spec("torch"):
        import torch

        ffts["PyTorch"] = blocks(torch.fft.rfft, torch.from_numpy(windowed))
    return [
        Row(name="steps of the log-mel", unit=MS_A_CLIP, values=in_turn(steps, rounds=15, scale=1e3)),
        Row(name="the FFT alone", unit=MS_A_CLIP, values=in_turn(ffts, rounds=15, scale=1e3)),
    ]


def pictures_row(corpus: Corpus) -> Row:
    """Time the 10,000 pictures of Holst from 1,000 clips into a new store, with two processes."""
    feature = MelImage(n_segments=SEGMENTS)
    segment = feature.cut(audio.read(corpus.clips["path"].iloc[0]))[0]
    theirs = colour_image(librosa.power_to_db(librosa.feature.melspectrogram(y=segment, sr=feature.sample_rate_hz)).T, feature.size)
    difference = np.abs(feature.of_segment(segment).astype(int) - theirs).max()
    assert difference <= 2, f"pictures differ by {difference} of 255 from those of librosa's log-mel"
    clips = repeat(corpus, N_PICTURES // SEGMENTS)
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["MUSICGENRE_CACHE"] = cache
            started = time.perf_counter()
            extracted = store.extract(clips, feature, n_jobs=2, progress=False)
            seconds.append(time.perf_counter() - started)
            assert (extracted.status == store.DONE).all()
    name = f"{N_PICTURES:,} pictures of 128×128, 2 cores"
    return Row(name=name, unit="s", values={"ours": seconds}, checked="within 2 of 255 levels of colour", at_most=30.0)


def repeat(corpus: Corpus, n_clips: int) -> Corpus:
    """Return a corpus of so many clips: the clips of a smaller one again and again."""
    clips = corpus.clips.iloc[np.arange(n_clips) % len(corpus)]
    return replace(corpus, name="repeated", clips=clips.set_axis([f"clip.{i:05d}" for i in range(n_clips)]))


def main() -> None:
    corpus = corpora.load("synthetic")
    paths = corpus.clips["path"].tolist()[1:4]
    rows = [*extraction_rows(paths), *floor_rows(paths[0]), pictures_row(corpus)]
    optional = [name for name in ("torch", "essentia") if importlib.util.find_spec(name)]
    report("features", rows, ["musicgenre", "librosa", "numpy", "scipy", "numba", "soundfile", *optional])


if __name__ == "__main__":
    main()
