"""The built-in corpus: ten caricatures of genres, composed, performed and recorded by code, with planted faults.

Nothing here is a recording, and no rule does justice to the music that it is named after. Each clip goes one way: a piece is *composed* by
the rules of its genre, *performed* by an artist with habits that all clips of this artist share, and *recorded* with room, equaliser, level
and noise. Faults are planted on the way, and the table of clips tells the truth about them.
"""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import soundfile
from scipy import fft, signal

from musicgenre.corpora.audio import SAMPLE_RATE_HZ
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import SettingsError
from musicgenre.settings import cache_folder

VERSION = 2  # raise it with every change of the sound or of the table, so that no cached rendering is taken for a new one
FAULT_SHARES = {"version": 0.04, "replica": 0.05, "mislabel": 0.05, "distortion": 0.03}
LOWEST_PITCH = {"bass": 28, "pad": 60, "lead": 66}  # MIDI note numbers; the chords' own depends on the genre
VELOCITY = {"o": 0.4, "X": 1.0}  # of a soft hit and an accent; any other hit has 0.75
TONE_HZ = (90, 700, 5600)
EQUALISER_HZ = (40, 90, 180, 350, 700, 1400, 2800, 5600, 11000)
RELEASE_S = 0.03
MAX_HARMONICS = 20

CHORDS = {  # half-tones above the root
    "": (0, 4, 7), "m": (0, 3, 7), "5": (0, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11),
    "9": (0, 4, 7, 14, 10), "m9": (0, 3, 7, 14, 10), "maj9": (0, 4, 7, 14, 11),
}  # fmt: skip


@dataclass(frozen=True)
class Timbre:
    """A pitched instrument: harmonic ``k`` has the amplitude ``k**-slope`` and dies away at the rate ``(1 + damping*k) / decay_s``."""

    slope: float
    decay_s: float = 60.0
    damping: float = 0.0
    attack_s: float = 0.004
    even: float = 1.0  # weight of the even harmonics; near 0 it sounds hollow, like a clarinet
    unison_cents: tuple[float, ...] = (0.0,)  # detuned copies, for sections and synthesisers
    vibrato_cents: float = 0.0
    breath: float = 0.0  # level of noise
    drive: float = 0.0  # distortion of all notes of a chord together
    formants_hz: tuple[float, ...] = ()  # resonances of a voice or a box
    octave: int = 0  # shift of what is written


TIMBRES = {
    "upright bass": Timbre(2.0, 0.45, 0.5, 0.010),
    "electric bass": Timbre(1.5, 0.9, 0.25),
    "picked bass": Timbre(1.2, 0.7, 0.2, drive=1.5),
    "synth bass": Timbre(1.1, 0.5, 0.6),
    "sub bass": Timbre(3.0, 1.5, attack_s=0.010),
    "piano": Timbre(1.6, 0.9, 0.15),
    "electric piano": Timbre(2.2, 0.9, 0.4, unison_cents=(-3, 3)),
    "vibraphone": Timbre(3.0, 1.2, 0.3),
    "organ": Timbre(1.4, attack_s=0.015, unison_cents=(-4, 4)),
    "acoustic guitar": Timbre(1.1, 0.45, 0.25, formants_hz=(220, 1100, 3000)),
    "muted guitar": Timbre(1.0, 0.08, 0.15),
    "electric guitar": Timbre(1.3, 0.8, 0.15, drive=0.8),
    "crunch guitar": Timbre(1.3, 1.5, 0.05, drive=4),
    "distorted guitar": Timbre(1.2, 3.0, 0.02, unison_cents=(-5, 5), drive=14),
    "banjo": Timbre(0.8, 0.18, 0.15, formants_hz=(900, 2500)),
    "pedal steel": Timbre(1.4, 2.0, 0.1, 0.030, vibrato_cents=18),
    "fiddle": Timbre(1.1, attack_s=0.04, vibrato_cents=20, formants_hz=(500, 1200, 2800)),
    "strings": Timbre(1.5, attack_s=0.10, unison_cents=(-9, 0, 8), vibrato_cents=12),
    "flute": Timbre(2.4, attack_s=0.05, vibrato_cents=14, breath=0.04),
    "clarinet": Timbre(1.5, attack_s=0.03, even=0.1),
    "harmonica": Timbre(1.0, attack_s=0.03, vibrato_cents=15, formants_hz=(800, 1700)),
    "saxophone": Timbre(1.2, attack_s=0.03, vibrato_cents=18, breath=0.03, formants_hz=(600, 1400), octave=-1),
    "trumpet": Timbre(1.1, attack_s=0.02, vibrato_cents=10, formants_hz=(1200, 2200)),
    "synth lead": Timbre(1.1, attack_s=0.01, unison_cents=(-10, 0, 11)),
    "square lead": Timbre(1.1, attack_s=0.005, even=0.05, vibrato_cents=10),
    "voice": Timbre(1.1, attack_s=0.04, vibrato_cents=25, breath=0.02, formants_hz=(650, 1100, 2600)),
    "rap voice": Timbre(1.0, 0.25, 0.02, 0.015, breath=0.08, formants_hz=(500, 1500, 2500), octave=-2),
}


@dataclass(frozen=True)
class Genre:
    """The rules of a genre; progressions and scale are written in one key and transposed for each piece.

    A groove gives one bar of each part in sixteenths: ``x`` a hit or the whole chord, ``X`` an accent (of the hi-hat: open), ``o`` a soft
    one, a digit that note of the chord, ``a`` a half-tone below the next root, ``-`` hold, ``.`` rest.
    """

    character: str
    tempo_bpm: tuple[float, float]  # an artist keeps to a part of this range
    scale: str  # of the lead
    progressions: tuple[str, ...]  # one chord a bar
    grooves: tuple[dict[str, str], ...]
    instruments: dict[str, tuple[str, ...]]  # those an artist may choose for each part, the commonest first
    mix_db: dict[str, float]  # level of each part
    level_db: float  # RMS of the clip over full scale
    tone_db: tuple[float, float, float]  # gains at TONE_HZ
    swing: float = 0.5  # place of the second eighth in its beat: 0.5 straight, 0.67 triplets
    expression: float = 0.0  # size of the swells of loudness and tempo
    lead_density: float = 0.5  # chance of a note of the lead on a beat
    lowest_chord: int = 52  # MIDI note number
    hat_decay_s: float = 0.04
    crackle_per_s: float = 0.0  # clicks of a worn record


# fmt: off
GENRES = {
    "blues": Genre(
        character="shuffled twelve-bar form in seventh chords, the lead bends through the blues scale",
        tempo_bpm=(70, 116), swing=0.65, lead_density=0.55, crackle_per_s=4, scale="C Eb F Gb G Bb",
        progressions=("C7 F7 C7 C7 F7 F7 C7 C7 G7 F7 C7 G7", "C7 C7 C7 C7 F9 F9 C7 C7 G9 F9 C7 G7",
                      "Cm7 Cm7 Cm7 Cm7 Fm7 Fm7 Cm7 Cm7 G7 Fm7 Cm7 G7"),
        grooves=(
            dict(kick="x.......x.....x.", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.",
                 bass="1-1-3-3-5-5-7-5-", chords="x--.o.x.x--.o.x."),
            dict(kick="x.....x.x.......", snare="....x.......x..o", hat="x...x.x.x...x.x.",
                 bass="1--.5--.7--.5-a-", chords="....x-......x-.."),
        ),
        instruments=dict(bass=("upright bass", "electric bass"), chords=("electric guitar", "piano", "organ"),
                         lead=("electric guitar", "harmonica", "crunch guitar")),
        mix_db=dict(kick=-6, snare=-8, hat=-20, bass=-6, chords=-9, lead=-8), level_db=-20, tone_db=(-1, 4, 0)),
    "classical": Genre(
        character="no drums; broken chords under a sustained melody, tempo and loudness breathe",
        tempo_bpm=(58, 126), expression=1.0, scale="C D E F G A B",
        progressions=("C F G7 C Am Dm G7 C", "C G Am Em F C F G", "Am Dm G7 C F Dm Em Am"),
        grooves=(
            dict(bass="1---------------", chords="1-5-3-5-1-5-3-5-"),
            dict(bass="1-----------", chords="....x-..x-.."),
            dict(bass="1-------5-------", chords="1-3-5-8-5-3-1-3-", pad="x---------------"),
        ),
        instruments=dict(bass=("strings", "upright bass"), chords=("piano", "strings", "acoustic guitar"), pad=("strings",),
                         lead=("fiddle", "flute", "clarinet", "piano")),
        mix_db=dict(bass=-9, chords=-8, pad=-14, lead=-8), level_db=-26, tone_db=(-2, 1, -10)),
    "country": Genre(
        character="boom-chick: bass on one and three, strummed chords on two and four, pentatonic picking",
        tempo_bpm=(84, 136), swing=0.53, lead_density=0.65, scale="C D E G A",
        progressions=("C C F C C C G G", "C F C G C F G C", "G C G D7 G C D7 G"),
        grooves=(
            dict(kick="x.......x.......", snare="o.xoo.xoo.xoo.xo", hat="....x.......x...",
                 bass="1---....5---....", chords="....x-o.....x-o."),
            dict(kick="x.......x.......", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.",
                 bass="1---....5---..3.", chords="..x.x-x...x.x-x."),
        ),
        instruments=dict(bass=("upright bass", "electric bass"), chords=("acoustic guitar", "electric guitar"),
                         lead=("banjo", "pedal steel", "fiddle", "voice")),
        mix_db=dict(kick=-8, snare=-13, hat=-22, bass=-6, chords=-7, lead=-8), level_db=-20, tone_db=(-5, 2, 2)),
    "disco": Genre(
        character="a kick on every beat, open hi-hats between them, a bass in octaves, string pads",
        tempo_bpm=(112, 130), lead_density=0.45, hat_decay_s=0.05, scale="A B C D E F# G",
        progressions=("Am7 D7 Am7 D7", "Am7 G Am7 Em7", "Am9 D9 Gmaj7 Em7"),
        grooves=(
            dict(kick="X...X...X...X...", snare="....x.......x...", hat="o.X.o.X.o.X.o.X.",
                 bass="1-8-1-8-1-8-1-8-", chords="..x...xx..x...xx", pad="x---------------"),
            dict(kick="X...X...X...X...", snare="....x.......x...", hat="ooXoooXoooXoooXo",
                 bass="1.8.1.8.1.885.8.", chords="x.x.x.x.x.x.x.x.", pad="x---------------"),
        ),
        instruments=dict(bass=("synth bass", "electric bass"), chords=("muted guitar", "electric piano", "piano"), pad=("strings",),
                         lead=("voice", "strings", "trumpet")),
        mix_db=dict(kick=-1, snare=-12, hat=-18, bass=-6, chords=-10, pad=-13, lead=-11), level_db=-17, tone_db=(1, -2, 2)),
    "hiphop": Genre(
        character="a heavy, syncopated kick and sub bass, a sparse minor loop, crackle, and a spoken rhythm",
        tempo_bpm=(78, 102), swing=0.55, lead_density=0.9, crackle_per_s=8, scale="A C D E G",
        progressions=("Am7 Am7 Fmaj7 Em7", "Am9 Dm9 Am9 Dm9", "Am Am Am Am"),
        grooves=(
            dict(kick="X..x......x..x..", snare="....X.......X...", hat="x.x.x.x.x.x.x.xx",
                 bass="1--1-.....1--5-.", chords="x-----..........", pad="x---------------"),
            dict(kick="X.....x..xx.....", snare="....X.......X..o", hat="xxx.x.xxx.x.xxx.",
                 bass="1-----1..11-....", chords="x---..x---......"),
        ),
        instruments=dict(bass=("sub bass", "synth bass"), chords=("electric piano", "piano", "vibraphone"), pad=("strings", "organ"),
                         lead=("rap voice", "square lead")),
        mix_db=dict(kick=-1, snare=-4, hat=-18, bass=-5, chords=-12, pad=-20, lead=-12), level_db=-17, tone_db=(4, -4, 0)),
    "jazz": Genre(
        character="swung ride cymbal, walking bass, seventh and ninth chords off the beat, a busy solo",
        tempo_bpm=(100, 210), swing=0.66, expression=0.2, lead_density=0.8, hat_decay_s=0.16, scale="C D E F G A B",
        progressions=("Dm9 G9 Cmaj9 Am7", "Dm7 G7 Em7 A7 Dm7 G9 Cmaj7 Cmaj9", "Cmaj9 A7 Dm9 G9"),
        grooves=(
            dict(kick="o.......o.......", snare="....o.o.....o..o", hat="x...x.x.x...x.x.",
                 bass="1---3---5---a---", chords="x-....x-........"),
            dict(kick="o.......o.....o.", snare="......o.....o...", hat="x...x.x.x...x.x.",
                 bass="1---5---3---a-a-", chords="......x-....x-.."),
        ),
        instruments=dict(bass=("upright bass",), chords=("piano", "electric guitar", "vibraphone"),
                         lead=("saxophone", "trumpet", "piano", "vibraphone")),
        mix_db=dict(kick=-16, snare=-18, hat=-28, bass=-6, chords=-10, lead=-8), level_db=-22, tone_db=(-1, 1, -2)),
    "metal": Genre(
        character="distorted power chords in low, galloping riffs, double kick, loud without a pause",
        tempo_bpm=(112, 184), lead_density=0.75, lowest_chord=38, hat_decay_s=0.1, scale="E F G A B C D",
        progressions=("E5 E5 F5 E5", "E5 G5 F5 D5", "E5 E5 C5 D5"),
        grooves=(
            dict(kick="x.xxx.xxx.xxx.xx", snare="....X.......X...", hat="X...x...x...x...",
                 bass="1.111.111.111.11", chords="x.xxx.xxx.xxx.xx"),
            dict(kick="xxxxxxxxxxxxxxxx", snare="....X.......X...", hat="X...X...X...X...",
                 bass="1---1-1-1---1-1-", chords="x-----x-x-----x-"),
        ),
        instruments=dict(bass=("picked bass",), chords=("distorted guitar",), lead=("distorted guitar", "crunch guitar", "rap voice")),
        mix_db=dict(kick=-4, snare=-5, hat=-18, bass=-8, chords=-5, lead=-12), level_db=-14, tone_db=(-2, -2, 3)),
    "pop": Genre(
        character="four major chords in a loop, a sung or synthetic hook, pads, a clean backbeat",
        tempo_bpm=(94, 130), lead_density=0.6, scale="C D E G A B",
        progressions=("C G Am F", "Am F C G", "F G Am C"),
        grooves=(
            dict(kick="x.....x.x.......", snare="....X.......X...", hat="x.x.x.x.x.x.x.x.",
                 bass="1-1-1-1-1-1-1-1-", chords="x-----x---x-----", pad="x---------------"),
            dict(kick="X...X...X...X...", snare="....x.......x...", hat="..x...x...x...x.",
                 bass="1-----1-....1-5-", chords="x..x..x.x..x..x.", pad="x---------------"),
        ),
        instruments=dict(bass=("synth bass", "electric bass"), chords=("piano", "acoustic guitar", "synth lead"),
                         pad=("synth lead", "strings", "organ"), lead=("voice", "synth lead", "square lead")),
        mix_db=dict(kick=-4, snare=-7, hat=-16, bass=-7, chords=-9, pad=-15, lead=-8), level_db=-17, tone_db=(-1, 0, 5)),
    "reggae": Genre(
        character="chords off the beat only, the snare on the third beat, a loud round bass with gaps",
        tempo_bpm=(66, 92), swing=0.56, lead_density=0.4, crackle_per_s=2, scale="A C D E G",
        progressions=("Am Dm Am Dm", "Am G Am G", "C F C G"),
        grooves=(
            dict(kick="........X.......", snare="........x.......", hat="x.x.x.x.x.x.x.x.",
                 bass="1--.3-5-..1-..5-", chords="..x...x...x...x."),
            dict(kick="X...x...X...x...", snare="........x.....o.", hat="x.x.x.x.x.x.x.xo",
                 bass="..1-1-..5-3-1-..", chords="..x...xo..x...xo", pad="..x-..x-..x-..x-"),
        ),
        instruments=dict(bass=("sub bass", "electric bass"), chords=("muted guitar", "electric guitar", "piano"), pad=("organ",),
                         lead=("voice", "organ", "trumpet")),
        mix_db=dict(kick=-6, snare=-9, hat=-19, bass=-3, chords=-7, pad=-13, lead=-11), level_db=-19, tone_db=(4, 2, -7)),
    "rock": Genre(
        character="crunching guitars and bass in driving eighths over a hard backbeat, flat-seventh chords",
        tempo_bpm=(98, 152), lowest_chord=45, hat_decay_s=0.07, scale="C D F G A Bb",
        progressions=("C Bb F C", "C F Bb F", "Gm F C C"),
        grooves=(
            dict(kick="x.......x.x.....", snare="....X.......X...", hat="x.x.x.x.x.x.x.x.",
                 bass="1-1-1-1-1-1-1-1-", chords="x-x-x-x-x-x-x-x-"),
            dict(kick="x..x..x.x.......", snare="....X.......X...", hat="X...x...x...x...",
                 bass="1-----1-1-----5-", chords="x-----x-x---x-x-"),
        ),
        instruments=dict(bass=("electric bass", "picked bass"), chords=("crunch guitar", "electric guitar"),
                         lead=("crunch guitar", "voice", "electric guitar", "organ")),
        mix_db=dict(kick=-4, snare=-5, hat=-15, bass=-7, chords=-6, lead=-10), level_db=-16, tone_db=(-2, 4, -1)),
}
# fmt: on


@dataclass(frozen=True)
class Artist:
    """Habits that all clips of an artist share, and that a classifier can take for those of the genre."""

    instruments: dict[str, str]
    mix_db: dict[str, float]  # added to the genre's
    tempo_preference: float  # place in the tempo range of the genre, 0 to 1
    looseness_s: float  # standard deviation of the onsets about the beat
    tuning_cents: float
    dullness: float  # added to the slope of every timbre
    drum_tuning: float  # factor on the pitch of the kit
    snare_decay_s: float
    room: np.ndarray  # impulse response
    equaliser_db: np.ndarray  # gains at EQUALISER_HZ
    level_db: float  # added to the genre's
    hiss_db: float


class Event(NamedTuple):
    """A hit of a drum, a note or a chord of a piece."""

    part: str
    step: int  # sixteenths since the beginning
    n_steps: int
    symbol: str  # as in a groove
    pitches: tuple[int, ...]  # MIDI note numbers, none for a drum


def describe_genres() -> pd.DataFrame:
    """Return the rules of the ten genres: one row a genre, index ``genre``, for people to read.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    rows = {
        name: {
            "character": genre.character,
            "tempo_bpm": f"{genre.tempo_bpm[0]} to {genre.tempo_bpm[1]}",
            "meter": ", ".join(sorted({f"{len(groove['bass']) // 4}/4" for groove in genre.grooves})),
            "swing": genre.swing,
            "harmony": " | ".join(genre.progressions),
            "lead_scale": genre.scale,
            "drums": ", ".join(part for part in ("kick", "snare", "hat") if part in genre.mix_db) or "none",
            **{part: ", ".join(genre.instruments.get(part, ())) for part in ("bass", "chords", "pad", "lead")},
            "level_db": genre.level_db,
        }
        for name, genre in GENRES.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("genre")


def load(*, clips_per_genre: int = 10, duration_s: float = 30.0, seed: int = 0, n_jobs: int = -1) -> Corpus:
    """Return the built-in corpus, rendered into the cache folder where it is not there yet.

    Equal arguments give equal files, whatever ``n_jobs`` is and whichever process renders them.

    Parameters
    ----------
    clips_per_genre : int
        From 6 on, each genre has three or more artists, so that each of the three artist folds holds every genre.
    duration_s : float
        Length of every clip in seconds, 1 or more.
    seed : int
        Other seeds give other artists, pieces and faults.
    n_jobs : int
        Processes that render, as in joblib; -1 takes all cores.

    Returns
    -------
    Corpus
        16-bit mono WAV files at 22,050 Hz in the layout of GTZAN, ``genres/<genre>/<genre>.NNNNN.wav``. ``genre`` is the label, wrong in
        mislabelled clips. ``fault`` is ``replica:<track_id>`` (the same file as that clip), ``version:<track_id>`` (the piece of that clip,
        performed by another artist), ``mislabel:<true genre>``, ``distortion`` or None. ``artist`` is who is heard, ``title`` which piece.

    Raises
    ------
    SettingsError
        If an argument is out of range.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    if clips_per_genre < 1:
        raise SettingsError(f"clips_per_genre is {clips_per_genre}; use 1 or more")
    if not 1 <= duration_s < float("inf"):
        raise SettingsError(f"duration_s is {duration_s}; use 1 second or more")
    if seed < 0:
        raise SettingsError(f"seed is {seed}; use 0 or more")
    plan = _plan(clips_per_genre, seed)
    parameters = (VERSION, clips_per_genre, float(duration_s), seed)
    folder = cache_folder() / f"synthetic-{hashlib.sha256(repr(parameters).encode()).hexdigest()[:12]}"
    files = {track_id: Path("genres", label, f"{track_id}.wav") for track_id, label in plan["genre"].items()}
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as scratch:
            rendered = Path(scratch, folder.name)
            for label in plan["genre"].unique():
                (rendered / "genres" / label).mkdir(parents=True)
            jobs = (joblib.delayed(_render)(clip, rendered / files[clip.Index], duration_s, seed) for clip in plan.itertuples())
            joblib.Parallel(n_jobs=n_jobs)(jobs)
            try:
                os.rename(rendered, folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster, and its files equal ours
                    raise
    return Corpus("synthetic", plan.assign(path=[str(folder / files[track_id]) for track_id in plan.index]))


def _plan(clips_per_genre: int, seed: int) -> pd.DataFrame:
    """Say of each clip who plays what, and which fault it has, before any sound is made."""
    n_artists = int(np.clip(clips_per_genre // 2, min(clips_per_genre, 3), 5))
    slots = [(label, index) for label in GENRES for index in range(clips_per_genre)]
    plan = pd.DataFrame({"genre": [label for label, _ in slots], "number": [index % n_artists for _, index in slots]}, dtype=object)
    plan.index = [f"{label}.{index:05d}" for label, index in slots]
    plan = plan.assign(style=plan["genre"], piece=plan.index, take=plan.index, fault=None)
    _plant_faults(plan, _rng(seed, "faults"))

    plan["artist"] = plan["artist_group"] = plan["style"] + " artist " + plan["number"].map("ABCDE".__getitem__)
    numbers = plan.groupby("style")["piece"].transform(lambda pieces: pd.factorize(pieces)[0] + 1)
    plan["title"] = plan["style"].str.capitalize() + " no. " + numbers.astype(str)
    shift = plan["style"].map(list(GENRES).index)  # so that the folds have about the same size
    plan["artist_fold"] = ((plan["number"] + shift) % 3 + 1).astype(str)
    clean = plan[plan["fault"].isna()]
    most_clips_first = clean.groupby(["style", "number"]).size().groupby("style").rank(method="first", ascending=False).astype(int)
    parts = ("train", "test", "valid", "train", "train")
    plan["fault_filtered"] = pd.Series({clip.Index: parts[most_clips_first[clip.style, clip.number] - 1] for clip in clean.itertuples()})
    return plan


def _plant_faults(plan: pd.DataFrame, rng: np.random.Generator) -> None:
    """Overwrite some clips with faults, one in each genre before a second in any, and likewise for artists."""
    shuffled = plan.iloc[rng.permutation(len(plan))]
    shuffled = shuffled.assign(round=shuffled.groupby(["genre", "number"]).cumcount()).sort_values("round", kind="stable")
    shuffled = shuffled.assign(round=shuffled.groupby("genre").cumcount()).sort_values("round", kind="stable")
    kinds = [kind for kind, share in FAULT_SHARES.items() for _ in range(round(share * len(plan)))]
    sources = list(shuffled.index[len(kinds) :])
    for turn, (track_id, kind) in enumerate(zip(shuffled.index, kinds, strict=False)):
        genre, number = plan.loc[track_id, ["genre", "number"]]
        truth = ""
        if kind == "mislabel":
            truth = str(rng.choice([style for style in GENRES if style != genre]))
            plan.loc[track_id, "style"] = truth
        elif kind in ("replica", "version"):
            # A version is by another artist of the same genre; replicas are in turns of the same and of another genre.
            fits = plan["number"] != number if kind == "version" else True
            fits &= (plan["genre"] == genre) == (kind == "version" or turn % 2 == 0)
            truth = next(source for source in sources if fits[source])
            sources.remove(truth)
            copied = ["piece"] if kind == "version" else ["style", "number", "piece", "take"]
            plan.loc[track_id, copied] = plan.loc[truth, copied]
        plan.loc[track_id, "fault"] = f"{kind}:{truth}".rstrip(":")


def _rng(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of one purpose, so that no clip depends on the order in which clips are made."""
    return np.random.default_rng([seed, *" ".join(names).encode()])


def _render(clip: NamedTuple, path: Path, duration_s: float, seed: int) -> None:
    """Compose, perform and record one row of the plan and write it as 16-bit WAV."""
    genre = GENRES[clip.style]
    artist = _invent_artist(genre, _rng(seed, "artist", clip.artist))
    n_steps = int(duration_s / 60 * genre.tempo_bpm[1] * 4)  # enough for the fastest take
    events = _compose(genre, n_steps, _rng(seed, "piece", clip.style, clip.piece))
    rng = _rng(seed, "take", clip.take)
    samples = _record(_perform(events, genre, artist, duration_s, rng), genre, artist, rng)
    if clip.fault == "distortion":
        samples = np.clip(samples / np.quantile(np.abs(samples), 0.8), -1, 1)
    soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16")


def _invent_artist(genre: Genre, rng: np.random.Generator) -> Artist:
    """Draw the habits of an artist of this genre."""
    decay_s = rng.uniform(0.15, 1.2)
    time_s = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = np.exp(-6.9 * time_s / decay_s) * rng.standard_normal(len(time_s))  # 60 dB down after decay_s
    room = rng.uniform(0.1, 0.7) * tail / np.sqrt(np.sum(tail**2))
    room[0] = 1.0
    return Artist(
        instruments={part: names[int(len(names) * rng.random() ** 2)] for part, names in genre.instruments.items()},
        mix_db={part: rng.normal(0, 1.5) for part in genre.mix_db},
        tempo_preference=rng.random(),
        looseness_s=rng.uniform(0.001, 0.010),
        tuning_cents=rng.normal(0, 20),
        dullness=rng.normal(0, 0.1),
        drum_tuning=2 ** rng.normal(0, 0.25),
        snare_decay_s=rng.uniform(0.05, 0.16),
        room=room,
        equaliser_db=rng.normal(0, 2, len(EQUALISER_HZ)),
        level_db=rng.normal(0, 2),
        hiss_db=rng.uniform(-80, -60),
    )


def _compose(genre: Genre, n_steps: int, rng: np.random.Generator) -> list[Event]:
    """Write a piece of at least ``n_steps`` sixteenths: a key, a progression, a groove and a melody of two motifs in the order A A B A."""
    key = int(rng.integers(12))
    chords = [_chord(name, key) for name in str(rng.choice(genre.progressions)).split()]
    groove = genre.grooves[rng.integers(len(genre.grooves))]
    bar = len(groove["bass"])
    lowest = LOWEST_PITCH | {"chords": genre.lowest_chord}
    scale = {(_pitch_class(name) + key) % 12 for name in genre.scale.split()}
    ladder = [pitch for pitch in range(lowest["lead"], lowest["lead"] + 19) if pitch % 12 in scale]
    motifs = [_motif(genre.lead_density, 2 * bar, len(ladder), rng) for _ in range(2)]
    events = []
    for start in range(0, n_steps, bar):
        chord, following = (chords[(start // bar + ahead) % len(chords)] for ahead in (0, 1))
        fill = "snare" in groove and start // bar % 4 == 3 and rng.random() < 0.5
        for part, pattern in (groove | {"snare": groove["snare"][:-4] + "xxXX"} if fill else groove).items():
            for hit in re.finditer(r"[^.-]-*", pattern):
                symbol, *_ = hit[0]
                pitches = _voicing(symbol, chord, following, lowest[part]) if part in lowest else ()
                events.append(Event(part, start + hit.start(), len(hit[0]), symbol, pitches))
    for phrase, start in enumerate(range(0, n_steps, 2 * bar)):
        if phrase and rng.random() < 0.2:  # the lead rests
            continue
        for step, n_held, place in motifs[(0, 0, 1, 0)[phrase % 4]]:
            pitch = ladder[place]
            if step % 4 == 0:  # on the beat, the nearest note of the chord
                root, intervals = chords[(start + step) // bar % len(chords)]
                tones = {(root + interval) % 12 for interval in intervals}
                pitch = min((p for p in range(pitch - 6, pitch + 7) if p % 12 in tones), key=lambda p: abs(p - ladder[place]))
            events.append(Event("lead", start + step, n_held, "x", (pitch,)))
    return events


def _motif(density: float, n_steps: int, n_places: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Draw the notes of a melody as (step, length in steps, place in the scale): a random walk, mostly on the beats."""
    weight = np.where(np.arange(n_steps) % 4 == 0, 1.0, np.where(np.arange(n_steps) % 2 == 0, 0.7, 0.2))
    steps = np.flatnonzero(rng.random(n_steps) < density * weight)
    walk = n_places // 2 + np.cumsum(rng.integers(-2, 3, len(steps)))
    places = np.minimum(walk % (2 * n_places - 2), -walk % (2 * n_places - 2))  # turns round at both ends
    lengths = np.minimum(np.diff(steps, append=n_steps), 6)
    return list(zip(steps.tolist(), lengths.tolist(), places.tolist(), strict=True))


def _pitch_class(name: str) -> int:
    """Return the half-tones of a note name above C: ``Bb`` is 10."""
    return {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]] + name.count("#") - name.count("b")


def _chord(name: str, key: int) -> tuple[int, tuple[int, ...]]:
    """Return root and intervals of a chord such as ``Bbmaj7``, transposed by ``key`` half-tones."""
    root, quality = re.fullmatch(r"([A-G][b#]?)(.*)", name).groups()
    return (_pitch_class(root) + key) % 12, CHORDS[quality]


def _voicing(symbol: str, chord: tuple[int, tuple[int, ...]], following: tuple[int, tuple[int, ...]], lowest: int) -> tuple[int, ...]:
    """Return the pitches that a symbol of a groove stands for, in the octave above ``lowest``."""
    root, intervals = chord
    if symbol == "a":
        return (lowest + (following[0] - 1 - lowest) % 12,)
    base = lowest + (root - lowest) % 12
    if symbol.isdigit():
        return (base + {"1": 0, "3": intervals[1], "5": 7, "7": intervals[-1] % 12, "8": 12}[symbol],)
    return tuple(sorted(lowest + (root + interval - lowest) % 12 for interval in intervals))


def _perform(events: list[Event], genre: Genre, artist: Artist, duration_s: float, rng: np.random.Generator) -> np.ndarray:
    """Play a piece with the instruments, tempo, tuning and looseness of an artist; returns samples of any level, shape (n_samples,)."""
    low, high = genre.tempo_bpm
    beat_s = 60 / (low + (high - low) * np.clip(artist.tempo_preference + rng.normal(0, 0.08), 0, 1))
    mix_db = {part: genre.mix_db[part] + artist.mix_db[part] + rng.normal(0, 0.5) for part in genre.mix_db}
    timbres = {part: replace(TIMBRES[name], slope=TIMBRES[name].slope + artist.dullness) for part, name in artist.instruments.items()}
    swell_phase = rng.uniform(0, 2 * np.pi)
    samples = np.zeros(round(duration_s * SAMPLE_RATE_HZ))
    sounds = {}
    for part, step, n_steps, symbol, pitches in events:
        beat, offset = divmod(step / 4, 1)
        onset_s = (beat + np.interp(offset, (0, 0.5, 1), (0, genre.swing, 1))) * beat_s
        onset_s += genre.expression * 0.15 * np.sin(onset_s / 2) + abs(rng.normal(0, artist.looseness_s))
        start = int(onset_s * SAMPLE_RATE_HZ)
        if start >= len(samples):
            continue
        key = (part, n_steps, symbol, pitches)
        if key not in sounds:
            if pitches:
                pitches_hz = 440 * 2 ** ((np.array(pitches) - 69 + artist.tuning_cents / 100) / 12 + timbres[part].octave)
                sounds[key] = _note(timbres[part], pitches_hz, n_steps * beat_s / 4, rng)
            else:
                sounds[key] = _drum(part, symbol, genre, artist, rng)
        sound = sounds[key][: len(samples) - start]
        level_db = mix_db[part] + genre.expression * 5 * np.sin(onset_s / 2 + swell_phase) + rng.normal(0, 0.7)
        samples[start : start + len(sound)] += 10 ** (level_db / 20) * VELOCITY.get(symbol, 0.75) * sound
    return samples


def _note(timbre: Timbre, pitches_hz: np.ndarray, duration_s: float, rng: np.random.Generator) -> np.ndarray:
    """Sound a note or a chord: all harmonics of a pitch are powers of one decaying phasor, so a polynomial in it."""
    time_s = np.arange(int((duration_s + RELEASE_S) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    depth = np.log(2) / 1200 * timbre.vibrato_cents
    warped_s = time_s - depth * np.cos(2 * np.pi * 5.5 * time_s) / (2 * np.pi * 5.5)
    samples = timbre.breath * rng.standard_normal(len(time_s))
    for pitch_hz in np.outer(pitches_hz, 2 ** (np.array(timbre.unison_cents) / 1200)).ravel():
        harmonic = np.arange(1, max(2, min(MAX_HARMONICS, int(0.4 * SAMPLE_RATE_HZ / pitch_hz)) + 1))
        amplitude = harmonic**-timbre.slope * np.where(harmonic % 2, 1, timbre.even)
        if timbre.formants_hz:
            amplitude *= 0.1 + sum(1 / (1 + ((harmonic * pitch_hz - hz) / (0.15 * hz)) ** 2) for hz in timbre.formants_hz)
        amplitude /= np.sqrt(np.sum(amplitude**2) * len(pitches_hz) * len(timbre.unison_cents))
        phasor = np.exp(2j * np.pi * (pitch_hz * warped_s + rng.random()) - timbre.damping / timbre.decay_s * time_s)
        samples += np.polyval([*amplitude[::-1], 0], phasor).imag
    samples *= np.exp(-time_s / timbre.decay_s)
    if timbre.drive:
        loudspeaker = signal.butter(2, 4000, fs=SAMPLE_RATE_HZ, output="sos")
        samples = signal.sosfilt(loudspeaker, np.tanh(timbre.drive * samples))
    return samples * (1 - np.exp(-time_s / timbre.attack_s)) * np.clip((time_s[-1] - time_s) / RELEASE_S, 0, 1)


def _drum(part: str, symbol: str, genre: Genre, artist: Artist, rng: np.random.Generator) -> np.ndarray:
    """Sound a kick (a falling sine), a snare (a tone and noise) or a hi-hat (high noise)."""
    time_s = np.arange(int(0.5 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    fade = np.clip((time_s[-1] - time_s) / RELEASE_S, 0, 1)
    noise = rng.standard_normal(len(time_s))
    if part == "kick":
        hz = 50 * artist.drum_tuning * (1 + 3 * np.exp(-time_s / 0.02))
        return fade * np.exp(-time_s / 0.12) * np.sin(2 * np.pi * np.cumsum(hz) / SAMPLE_RATE_HZ)
    if part == "snare":
        rattle = signal.sosfilt(signal.butter(2, 900, "high", fs=SAMPLE_RATE_HZ, output="sos"), noise)
        tone = np.sin(2 * np.pi * 185 * artist.drum_tuning * time_s)
        return fade * (0.6 * np.exp(-time_s / 0.06) * tone + 0.35 * np.exp(-time_s / artist.snare_decay_s) * rattle)
    decay_s = genre.hat_decay_s * (4 if symbol == "X" else 1)
    return fade * np.exp(-time_s / decay_s) * signal.sosfilt(signal.butter(4, 5500, "high", fs=SAMPLE_RATE_HZ, output="sos"), noise)


def _record(samples: np.ndarray, genre: Genre, artist: Artist, rng: np.random.Generator) -> np.ndarray:
    """Add the room, equaliser, level and noise of an artist; returns samples between -1 and 1, never at the limits."""
    size = fft.next_fast_len(len(samples) + len(artist.room), real=True)
    octave = np.log2(np.maximum(fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ), 1))
    gain_db = np.interp(octave, np.log2(TONE_HZ), genre.tone_db) + np.interp(octave, np.log2(EQUALISER_HZ), artist.equaliser_db)
    heard = fft.irfft(fft.rfft(samples, size) * fft.rfft(artist.room, size) * 10 ** (gain_db / 20), size)[: len(samples)]
    heard *= 10 ** ((genre.level_db + artist.level_db) / 20) / np.sqrt(np.mean(heard**2))
    crackle = (rng.random(len(heard)) < genre.crackle_per_s / SAMPLE_RATE_HZ) * rng.normal(0, 0.05, len(heard))
    hiss = 10 ** (artist.hiss_db / 20) * rng.standard_normal(len(heard))
    return 0.97 * np.tanh(heard + crackle + hiss)
