"""Check the sound files of a corpus: what can be used, what cannot, and what is worth knowing."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed
from tqdm import tqdm

from musicgenre.corpora import audio
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError

BLOCK_FRAMES = 1 << 16  # decoded at a time, so that memory stays small however long a file is
SILENCE = 1e-4  # span between the lowest and the highest sample, of which the full scale is 2
TOLERANCE_S = 0.1  # MP3 decoders drop less than this at the ends of a whole file
COLUMNS = ("path", "duration_s", "sample_rate_hz", "channels", "format", "subtype", "peak", "rms_db", "status", "reason")


def describe(corpus: Corpus, *, min_duration_s: float = 29.0, n_jobs: int = -1) -> pd.DataFrame:
    """Decode every sound file of a corpus and describe it.

    Parameters
    ----------
    corpus : Corpus
        It must have audio.
    min_duration_s : float
        A shorter clip, in seconds, counts as unusable.
    n_jobs : int
        How many files are decoded at a time; -1 is one a processor core.

    Returns
    -------
    pandas.DataFrame
        One row a clip, index ``track_id``: ``path``; ``duration_s``, ``sample_rate_hz``, ``channels``; ``format`` (WAV, MP3, …) and
        ``subtype`` (PCM_16, …) as libsndfile names them; ``peak`` (1 is full scale) and ``rms_db`` (below full scale) of the mono
        mix, which is what features are computed from; ``status`` and ``reason``. The status is

        - ``unusable``: missing, empty, unreadable, damaged, truncated, without samples, with samples that are not numbers or far too
          large, silent or too short;
        - ``note``: usable, with something to know: the content is of another format than the extension says, it is not at 22,050 Hz
          (it will be resampled), not mono (it will be mixed down), of 8 bits, or not WAV;
        - ``ok``.

    Raises
    ------
    DataError
        If the corpus has no audio files, but features only.

    Notes
    -----
    An OGG file that has lost its end looks like a whole, shorter one. Taught in the notebook ``01_the_data``.
    """
    paths = corpus.audio_paths
    jobs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(delayed(_examine)(Path(path), min_duration_s) for path in paths)
    rows = list(tqdm(jobs, desc=f"checking {corpus.name}", total=len(paths), unit=" clips", disable=None))
    return pd.DataFrame(rows, index=paths.index, columns=list(COLUMNS))


def _examine(path: Path, min_duration_s: float) -> dict:
    try:
        with audio.open_sound(path) as sound:
            row, problems = _decode(sound, min_duration_s)
            notes = _notes(sound, path)
    except DataError as error:
        row, problems, notes = {}, [str(error).removeprefix(f"{path}: ")], []
    status = "unusable" if problems else "note" if notes else "ok"
    return {"path": str(path), **row, "status": status, "reason": "; ".join(problems + notes)}


def _decode(sound: soundfile.SoundFile, min_duration_s: float) -> tuple[dict, list[str]]:
    """Decode a file to its end, block by block; return what is in it and what is wrong with it."""
    n_frames, lowest, highest, energy, damage = 0, math.inf, -math.inf, 0.0, None
    try:
        while len(block := sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            mono = block.mean(axis=1, dtype=np.float64)
            n_frames += len(mono)
            lowest, highest = np.minimum(lowest, mono.min()), np.maximum(highest, mono.max())  # these keep NaN
            energy += np.square(mono).sum()
    except soundfile.LibsndfileError as error:
        damage = error.error_string.rstrip(".")
    duration_s = n_frames / sound.samplerate
    promised_s = _promised_frames(sound) / sound.samplerate
    row = {"duration_s": duration_s, "sample_rate_hz": sound.samplerate, "channels": sound.channels}
    row |= {"format": sound.format, "subtype": sound.subtype}
    if n_frames:
        rms = math.sqrt(energy / n_frames)
        row |= {"peak": max(-lowest, highest), "rms_db": 20 * math.log10(rms) if rms else -math.inf}
    problems = []
    if damage:
        problems.append(f"damaged: it can be decoded only to {duration_s:.1f} s of {promised_s:.1f} s ({damage}); fetch it again")
    elif promised_s - duration_s > TOLERANCE_S:
        problems.append(f"truncated: it breaks off at {duration_s:.1f} s of {promised_s:.1f} s; fetch it again")
    if n_frames == 0:
        problems.append("it holds no samples")
    elif not math.isfinite(highest - lowest):
        problems.append("it holds samples that are not finite numbers")
    elif max(-lowest, highest) >= audio.LOUDEST:
        problems.append(f"it holds samples up to {max(-lowest, highest):.0e}, where full scale is 1")
    elif highest - lowest < SILENCE:
        problems.append("silent")
    if 0 < duration_s < min_duration_s:
        problems.append(f"too short: {duration_s:.1f} s of at least {min_duration_s:g} s (--min-duration)")
    return row, problems


def _promised_frames(sound: soundfile.SoundFile) -> float:
    """Return how many frames the header promises; libsndfile trusts the size of the file instead, and says so in its log."""
    size = re.search(r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)", sound.extra_info, re.MULTILINE)
    if size is None or int(size[1]) >= 0x7FFF0000:  # that much stands for "unknown" in streamed files
        return sound.frames
    return sound.frames * int(size[1]) / int(size[2]) if int(size[2]) else math.nan


def _notes(sound: soundfile.SoundFile, path: Path) -> list[str]:
    notes = []
    if path.suffix.lower() not in audio.EXTENSIONS.get(sound.format, {path.suffix.lower()}):
        notes.append(f"wrong extension: the content is {sound.format}, not {path.suffix or 'without one'}")
    if sound.channels > 1:
        notes.append("stereo" if sound.channels == 2 else f"{sound.channels} channels")
    if sound.samplerate != audio.SAMPLE_RATE_HZ:
        notes.append(f"{sound.samplerate:,} Hz")
    if sound.subtype in ("PCM_U8", "PCM_S8"):
        notes.append("8 bits")
    if sound.format in ("MP3", "OGG"):
        notes.append(f"{sound.format}, compressed with losses")
    elif not sound.format.startswith("WAV"):
        notes.append(sound.format)
    return notes
