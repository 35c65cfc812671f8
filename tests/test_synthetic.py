"""The built-in corpus keeps its promises: files, determinism, known faults, disjoint splits, audible rules, measurable leaks."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis
import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from musicgenre.corpora import synthetic
from musicgenre.corpora.audio import SAMPLE_RATE_HZ, read
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import SettingsError

TINY = {"clips_per_genre": 2, "duration_s": 1.0}
GTZAN_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
SIZES_AND_SEEDS = hypothesis.given(clips_per_genre=st.integers(1, 40), seed=st.integers(0, 2**40))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    """Six clips of six seconds a genre, rendered once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSICGENRE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return synthetic.load(clips_per_genre=6, duration_s=6.0)


@pytest.fixture(scope="module")
def samples(corpus) -> dict[str, np.ndarray]:
    """Samples of every clip by track id."""
    return {track_id: read(path) for track_id, path in corpus.clips["path"].items()}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder for every test."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def rendered(folder: Path) -> dict[str, bytes]:
    """Contents of all files below a folder by their relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestFiles:
    """What is written, and when."""

    def test_lie_in_the_layout_and_format_of_gtzan(self, corpus):
        """Mono, 16 bits, 22,050 Hz, and named by label."""
        assert corpus.name == "synthetic"
        assert corpus.genres == GTZAN_GENRES
        assert list(corpus.clips.index[:2]) == ["blues.00000", "blues.00001"]
        assert len(corpus) == 60
        for track_id, clip in corpus.clips.iterrows():
            assert Path(clip["path"]).parts[-3:] == ("genres", clip["genre"], f"{track_id}.wav")
            info = soundfile.info(clip["path"])
            assert (info.samplerate, info.channels, info.subtype, info.frames) == (22050, 1, "PCM_16", 6 * 22050)

    def test_are_bit_identical_whatever_the_number_of_processes(self, cache, monkeypatch, tmp_path):
        """Equal arguments give equal bytes; another seed gives other sound in every clip."""
        synthetic.load(**TINY, n_jobs=1)
        once = rendered(cache)
        monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "other"))
        synthetic.load(**TINY, n_jobs=2)
        assert rendered(tmp_path / "other") == once
        assert len(once) == 20
        other_seed = synthetic.load(**TINY, seed=1, n_jobs=2)
        assert not set(once.values()) & {Path(path).read_bytes() for path in other_seed.clips["path"]}

    def test_are_rendered_once(self, cache):
        """A second call takes what is there."""
        synthetic.load(**TINY, n_jobs=1)
        before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
        synthetic.load(**TINY, n_jobs=1)
        assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before

    def test_leave_nothing_behind_where_rendering_fails(self, cache, monkeypatch):
        """A full disk half-way leaves no folder that could be taken for a corpus; the next call starts afresh."""
        write, written = soundfile.write, []

        def write_until_full(path, *args, **kwargs):
            if len(written) == 7:
                raise OSError("No space left on device")
            written.append(path)
            write(path, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(soundfile, "write", write_until_full)
            with pytest.raises(OSError, match="No space left"):
                synthetic.load(**TINY, n_jobs=1)
        assert list(cache.iterdir()) == []
        assert all(Path(path).is_file() for path in synthetic.load(**TINY, n_jobs=1).clips["path"])

    def test_survive_two_renderings_at_once(self, cache):
        """Both callers get whole files in one folder."""
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: synthetic.load(**TINY, n_jobs=1), range(2))
        pd.testing.assert_frame_equal(first.clips, second.clips)
        assert len(list(cache.iterdir())) == 1
        assert len(rendered(cache)) == 20

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("clips_per_genre", 0), ("duration_s", 0.5), ("duration_s", float("nan")), ("duration_s", float("inf")), ("seed", -1)],
    )
    def test_need_sensible_arguments(self, cache, argument, value):
        """The message names the argument and its value, and nothing is rendered."""
        with pytest.raises(SettingsError, match=f"{argument} is {value}"):
            synthetic.load(**{argument: value})
        assert not cache.exists()


class TestPlan:
    """The table of clips, for any size and seed: known faults and disjoint splits."""

    @hypothesis.settings(max_examples=25)
    @SIZES_AND_SEEDS
    def test_splits_share_no_artist_and_hold_every_genre(self, clips_per_genre, seed):
        """From six clips a genre on, each genre is in each fold and in each part."""
        plan = synthetic._plan(clips_per_genre, seed)
        assert len(plan) == 10 * clips_per_genre
        assert set(plan["artist_fold"]) <= {"1", "2", "3"}
        assert (plan.groupby("artist")["artist_fold"].nunique() == 1).all()
        filtered = plan.dropna(subset="fault_filtered")
        assert (filtered.groupby("artist")["fault_filtered"].nunique() == 1).all()
        assert (plan["fault"].notna() == plan["fault_filtered"].isna()).all()
        assert filtered["title"].is_unique
        if clips_per_genre >= 6:
            assert set(filtered["fault_filtered"]) == {"train", "valid", "test"}
            assert (filtered.groupby("genre")["fault_filtered"].nunique() == 3).all()
            assert (filtered.groupby("genre")["artist_fold"].nunique() == 3).all()

    @hypothesis.settings(max_examples=25)
    @SIZES_AND_SEEDS
    def test_faults_are_true(self, clips_per_genre, seed):
        """Each fault points at a clean clip, at most one fault at each, and says what the table says."""
        plan = synthetic._plan(clips_per_genre, seed)
        faults = plan["fault"].dropna().map(lambda fault: fault.partition(":"))
        kinds = Counter(kind for kind, _, _ in faults)
        assert kinds == Counter({kind: round(share * len(plan)) for kind, share in synthetic.FAULT_SHARES.items()})
        sources = [truth for kind, _, truth in faults if kind in ("replica", "version")]
        assert len(sources) == len(set(sources))
        assert plan.loc[sources, "fault"].isna().all()
        for track_id, (kind, _, truth) in faults.items():
            clip = plan.loc[track_id]
            if kind == "replica":
                assert tuple(clip[["artist", "title"]]) == tuple(plan.loc[truth, ["artist", "title"]])
            elif kind == "version":
                assert tuple(clip[["genre", "title"]]) == tuple(plan.loc[truth, ["genre", "title"]])
                assert clip["artist"] != plan.loc[truth, "artist"]
            elif kind == "mislabel":
                assert clip["artist"].startswith(f"{truth} artist")
                assert truth != clip["genre"]
        clean = plan[plan["fault"].isna()]
        assert (clean["artist"].str.split().str[0] == clean["genre"]).all()

    def test_has_every_kind_of_fault_at_its_default_size(self):
        """Replicas lie within and across genres, as in GTZAN."""
        plan = synthetic._plan(10, 0)
        faults = plan["fault"].dropna()
        assert set(faults.str.partition(":")[0]) == set(synthetic.FAULT_SHARES)
        replicas = faults[faults.str.startswith("replica")].str.removeprefix("replica:")
        assert {plan["genre"][copy] == plan["genre"][source] for copy, source in replicas.items()} == {True, False}


class TestSound:
    """What the files hold."""

    def test_replicas_are_the_same_file_and_versions_are_not(self, corpus, samples):
        """Equal samples occur exactly where a replica is recorded."""
        pairs = {(a, b) for a in samples for b in samples if a < b and np.array_equal(samples[a], samples[b])}
        replicas = corpus.clips["fault"].dropna().loc[lambda fault: fault.str.startswith("replica:")]
        assert len(replicas) == 3
        assert pairs == {tuple(sorted((copy, fault.removeprefix("replica:")))) for copy, fault in replicas.items()}

    def test_versions_keep_the_harmony(self, corpus, samples):
        """A version has the key and the chords of its original: their mean chroma are more alike than most."""
        versions = corpus.clips["fault"].dropna().loc[lambda fault: fault.str.startswith("version:")].str.removeprefix("version:")
        assert len(versions) == 2
        chroma = pd.DataFrame({t: librosa.feature.chroma_stft(y=samples[t], sr=SAMPLE_RATE_HZ, tuning=0).mean(axis=1) for t in samples})
        likeness = chroma.corr()
        for version, original in versions.items():
            assert likeness.loc[original, version] > likeness[version].drop(version).quantile(0.8)

    def test_only_distorted_clips_clip(self, corpus, samples):
        """A fifth of the samples of a distorted clip lie at the limits, and none of any other clip."""
        at_the_limit = pd.Series({track_id: np.mean(np.abs(values) > 0.999) for track_id, values in samples.items()})
        distorted = corpus.clips["fault"] == "distortion"
        assert distorted.sum() == 2
        assert at_the_limit[distorted].between(0.1, 0.3).all()
        assert (at_the_limit[~distorted] == 0).all()

    def test_no_clip_is_silent_for_half_a_second(self, samples):
        """Not even where the lead rests."""
        for track_id, values in samples.items():
            rms = np.sqrt(np.mean(values[: len(values) // 11025 * 11025].reshape(-1, 11025) ** 2, axis=1))
            assert 20 * np.log10(rms.min()) > -60, track_id

    def test_genres_sound_as_described(self, corpus, samples):
        """Classical is dark and soft, metal loud, hip-hop and reggae rest on the low end."""
        clean = corpus.clips[corpus.clips["fault"].isna()]
        rows = []
        for track_id, genre in clean["genre"].items():
            power = (np.abs(librosa.stft(samples[track_id])) ** 2).mean(axis=1)
            low = power[: round(130 / SAMPLE_RATE_HZ * 2048)].sum() / power.sum()
            centroid_hz = librosa.feature.spectral_centroid(y=samples[track_id], sr=SAMPLE_RATE_HZ).mean()
            rows.append((genre, 10 * np.log10(np.mean(samples[track_id] ** 2)), centroid_hz, low))
        mean = pd.DataFrame(rows, columns=["genre", "level_db", "centroid_hz", "low"]).groupby("genre").mean()
        assert mean.loc["metal", "level_db"] > mean.loc["classical", "level_db"] + 5
        assert (mean.drop(index=["classical", "reggae"])["centroid_hz"] > 1.3 * mean.loc["classical", "centroid_hz"]).all()
        assert mean.loc[["hiphop", "reggae"], "low"].min() > 1.5 * mean.loc[["classical", "country", "pop", "rock"], "low"].max()

    @pytest.mark.parametrize("genre", ["disco", "metal"])
    def test_steady_genres_have_the_tempo_of_their_rules(self, corpus, samples, genre):
        """A beat tracker finds a tempo in the range of the genre, or half of it."""
        low, high = synthetic.GENRES[genre].tempo_bpm
        clean = corpus.clips[(corpus.clips["genre"] == genre) & corpus.clips["fault"].isna()]
        tempo_bpm = np.array([librosa.beat.beat_track(y=samples[t], sr=SAMPLE_RATE_HZ)[0].item() for t in clean.index])
        in_range = [(0.95 * low < tempo_bpm * factor) & (tempo_bpm * factor < 1.05 * high) for factor in (1, 2)]
        assert np.mean(np.any(in_range, axis=0)) >= 0.75


def test_a_simple_classifier_is_flattered_by_leaks(corpus, samples):
    """Genres can be learnt but not perfectly; random segments score far above tracks and artists that are held out."""
    segments = []
    for track_id, clip in corpus.clips.iterrows():
        for segment in samples[track_id].reshape(3, -1):
            mfcc = librosa.feature.mfcc(y=segment, sr=SAMPLE_RATE_HZ, n_mfcc=13)
            segments.append((clip["genre"], track_id, clip["artist_fold"], np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)])))
    genre, track, fold, features = map(np.array, zip(*segments, strict=True))

    def accuracy(classifier, folds, groups=None):
        return cross_val_score(make_pipeline(StandardScaler(), classifier), features, genre, cv=folds, groups=groups).mean()

    assert 0.35 < accuracy(NearestCentroid(), GroupKFold(3), fold) < 0.9
    forest = RandomForestClassifier(50, random_state=0)
    by_segment = accuracy(forest, StratifiedKFold(3, shuffle=True, random_state=0))
    by_track = accuracy(forest, StratifiedGroupKFold(3, shuffle=True, random_state=0), track)
    by_artist = accuracy(forest, GroupKFold(3), fold)
    assert by_segment > by_track + 0.05
    assert by_segment > by_artist + 0.10
    assert 0.3 < by_artist < 0.9


class TestRules:
    """The table of genres is sound, and readable."""

    @pytest.mark.parametrize("genre", synthetic.GENRES.values(), ids=list(synthetic.GENRES))
    def test_every_part_has_a_level_and_instruments(self, genre):
        """All parts of a groove are as long as its bar, can be mixed, and, but for drums, have instruments that exist."""
        for groove in genre.grooves:
            assert {len(pattern) for pattern in groove.values()} <= {12, 16}
            assert len({len(pattern) for pattern in groove.values()}) == 1
            assert set(groove) | {"lead"} <= set(genre.mix_db)
            assert (set(groove) | {"lead"}) - {"kick", "snare", "hat"} <= set(genre.instruments)
            assert set("".join(groove.values())) <= set("xXo13578a-.")
        assert {name for names in genre.instruments.values() for name in names} <= set(synthetic.TIMBRES)

    def test_are_those_of_the_names(self):
        """The clichés that the descriptions promise."""
        grooves = {name: genre.grooves for name, genre in synthetic.GENRES.items()}
        assert not any({"kick", "snare", "hat"} & set(groove) for groove in grooves["classical"])
        assert all(groove["kick"][::4].upper() == "XXXX" for groove in grooves["disco"])
        assert all(groove["chords"][::4] == "...." for groove in grooves["reggae"])
        assert all(synthetic.GENRES[name].swing > 0.6 for name in ("blues", "jazz"))

    def test_can_be_read_as_a_table(self):
        """One row a genre, in plain words."""
        table = synthetic.describe_genres()
        assert tuple(table.index) == GTZAN_GENRES
        assert table.loc["classical", "drums"] == "none"
        assert table.loc["disco", "tempo_bpm"] == "112 to 130"
        assert table.loc["classical", "meter"] == "3/4, 4/4"
        assert table.notna().all(axis=None)
