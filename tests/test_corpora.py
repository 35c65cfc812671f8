"""The corpora: layouts, what is left out and why, facts about GTZAN, and error messages."""

import os
import shutil
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import need
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgenre import corpora
from musicgenre.corpora import fma, folder, gtzan
from musicgenre.corpora.check import describe
from musicgenre.corpora.corpus import COLUMNS, Corpus, exclusions
from musicgenre.errors import AccessError, DataError, SettingsError


def write_sound(path, duration_s=0.01):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(22050 * duration_s)), 22050)
    return path


def write_gtzan(root, track_ids=("blues.00000", "rock.00099"), extension="wav"):
    for track_id in track_ids:
        write_sound(root / track_id.split(".")[0] / f"{track_id}.{extension}")
    return root


# --- GTZAN: layouts


@pytest.mark.parametrize("below", ["genres", "genres_original", "Data/genres_original", "gtzan/Data/genres_original", "."])
@pytest.mark.parametrize("extension", ["wav", "au"])
def test_gtzan_is_found_in_every_usual_layout(tmp_path, below, extension):
    root = write_gtzan(tmp_path / below, extension=extension)
    corpus = gtzan.load(tmp_path)
    assert corpus.name == "gtzan"
    assert list(corpus.clips.index) == ["blues.00000", "rock.00099"]
    assert corpus.clips["path"]["rock.00099"] == str(root / "rock" / f"rock.00099.{extension}")
    assert tuple(corpus.clips.columns) == COLUMNS


def test_gtzan_accounts_for_every_clip_and_every_file(tmp_path):
    root = write_gtzan(tmp_path / "genres")
    write_gtzan(root, ["blues.00000"], "au")
    write_sound(root / "rock" / "blues.00001.wav")
    write_sound(root / "blues" / "my own.wav")
    write_sound(root / "blues" / "blues.00100.wav")
    (root / "blues" / "._blues.00000.wav").write_bytes(b"\0\5\x16\7")
    (root / "blues" / "notes.txt").write_text("notes")
    (root / "blues" / "more").mkdir()
    (root / "bextract_single.mf").write_text("")
    (root / "techno").mkdir()
    corpus = gtzan.load(tmp_path)
    reasons = corpus.excluded["reason"]
    assert dict(reasons[~reasons.index.isin(gtzan.facts().index)]) == {
        "bextract_single.mf": "not one of the ten genre folders",
        "blues/._blues.00000.wav": "a hidden file",
        "blues/blues.00000.au": "the same clip as blues.00000.wav",
        "blues/blues.00100.wav": "not named like a clip of GTZAN, such as blues.00000.wav",
        "blues/more": "a folder, not a clip",
        "blues/my own.wav": "not named like a clip of GTZAN, such as blues.00000.wav",
        "blues/notes.txt": "not a .wav or .au file",
        "rock/blues.00001.wav": "a clip of blues in the folder rock",
        "techno": "not one of the ten genre folders",
    }
    missing = reasons[reasons == "no file in this copy"].index
    assert set(missing) | set(corpus.clips.index) == set(gtzan.facts().index)
    assert not set(missing) & set(corpus.clips.index)


def test_gtzan_is_not_sought_among_pictures_and_hidden_folders(tmp_path):
    write_gtzan(tmp_path / ".unpacking" / "genres")
    (tmp_path / "images_original" / "blues").mkdir(parents=True)
    (tmp_path / "images_original" / "blues" / "blues00000.png").write_bytes(b"png")
    with pytest.raises(DataError, match="no clips of GTZAN"):
        gtzan.load(tmp_path)


def test_gtzan_errors_name_the_folder_and_what_is_expected(tmp_path):
    archive = tmp_path / "genres.tar.gz"
    archive.write_bytes(b"")
    cases = {
        tmp_path / "nowhere": "no such folder",
        archive: "is a file, not a folder; if it is an archive, unpack it first",
        tmp_path: r"no clips of GTZAN in it.*it holds genres\.tar\.gz",
    }
    for path, message in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            gtzan.load(path)
        assert str(path) in str(caught.value)
        assert "<folder>/genres/blues/blues.00000.wav" in str(caught.value)


def test_two_copies_of_gtzan_are_ambiguous(tmp_path):
    roots = [write_gtzan(tmp_path / name / "genres") for name in ("gtzan", "gtzan_mini")]
    with pytest.raises(DataError, match="holds 2 copies of GTZAN") as caught:
        gtzan.load(tmp_path)
    assert all(str(root) in str(caught.value) for root in roots)


# --- GTZAN: facts


def test_gtzan_facts_hold_the_published_counts():
    facts = gtzan.facts()
    assert len(facts) == 1000
    assert dict(facts["genre"].value_counts()) == dict.fromkeys(gtzan.GENRES, 100)
    assert dict(facts["fault_filtered"].value_counts()) == {"train": 443, "test": 290, "valid": 197}
    assert facts["artist_fold"].notna().sum() == 948
    assert set(facts["artist_fold"].dropna()) == {"1", "2", "3"}
    assert facts["artist"].notna().sum() == 919
    assert (facts.index.str.split(".").str[0] == facts["genre"]).all()
    assert facts["md5"].str.fullmatch("[0-9a-f]{32}").all()


def test_gtzan_artist_folds_share_no_artist_group_but_some_names():
    folds = gtzan.facts().groupby("artist_fold")
    groups, names = folds["artist_group"].agg(set), folds["artist"].agg(lambda names: set(names.dropna()))
    assert all(a.isdisjoint(b) for a, b in combinations(groups, 2))
    shared = set.union(*(a & b for a, b in combinations(names, 2)))
    assert len(shared) == 23 and "Bob Marley" in shared


def test_gtzan_fault_filtered_parts_share_no_artist_name():
    names = gtzan.facts().dropna(subset="artist").groupby("fault_filtered")["artist"].agg(set)
    assert all(a.isdisjoint(b) for a, b in combinations(names, 2))


def test_gtzan_faults_are_replicas_in_pairs_or_clips_that_the_folds_leave_out():
    facts = gtzan.facts()
    replicas = facts["fault"].dropna()[lambda fault: fault.str.startswith("replica:")].str.removeprefix("replica:")
    assert len(replicas) == 28
    assert (replicas[replicas].to_numpy() == replicas.index).all()
    assert (facts["md5"][replicas].to_numpy() == facts["md5"][replicas.index].to_numpy()).all()
    assert facts["fault"][facts["artist_fold"].isna()].notna().all()
    assert set(facts["fault"].dropna()[~facts["fault"].dropna().index.isin(replicas.index)]) == {"repeated or distorted"}


@settings(max_examples=20)
@given(st.sets(st.sampled_from(list(gtzan.facts().index)), min_size=1))
def test_gtzan_from_facts_excludes_the_rest(track_ids):
    corpus = gtzan.from_facts(track_ids, "not in the archive")
    assert set(corpus.clips.index) == track_ids
    assert set(corpus.excluded.index) == set(gtzan.facts().index) - track_ids
    assert set(corpus.excluded["reason"]) <= {"not in the archive"}
    assert corpus.clips["path"].isna().all()


def test_gtzan_from_facts_refuses_unknown_clips():
    with pytest.raises(DataError, match=r"'blues\.00100' is not a clip of GTZAN"):
        gtzan.from_facts(["blues.00000", "blues.00100"], "not in the archive")


def test_gtzan_verify_lists_files_that_are_not_the_original(tmp_path):
    write_gtzan(tmp_path)
    corpus = gtzan.load(tmp_path)
    assert list(gtzan.verify(corpus).index) == ["blues.00000", "rock.00099"]
    (tmp_path / "rock" / "rock.00099.wav").unlink()
    with pytest.raises(DataError, match=r"rock\.00099\.wav: cannot be read"):
        gtzan.verify(corpus)
    with pytest.raises(DataError, match=r"no audio file is at hand for blues\.00000"):
        gtzan.verify(gtzan.from_facts(["blues.00000"], "not in the archive"))


# --- GTZAN: contract with the real data


def test_real_gtzan_clips_load_with_their_facts(real_data):
    need(real_data, "blues.*.wav")
    corpus = corpora.load("gtzan", real_data)
    assert corpus.genres == gtzan.GENRES
    assert corpus.clips["artist"]["blues.00000"] == "John Lee Hooker"
    assert len(corpus) + corpus.excluded.index.isin(gtzan.facts().index).sum() == 1000
    assert set(gtzan.verify(corpus).index) <= {"jazz.00054"}  # damaged in some copies


# --- FMA-small


def write_fma(root, n_tracks=4):
    """Write a small copy: tracks 2, 3, … of the subset small, one of medium, one known fault."""
    rows = [
        [str(number), f"artist {number % 2}", str(number % 2), ["training", "validation", "test"][number % 3], "small", "Hip-Hop", "NA"]
        for number in range(2, 2 + n_tracks)
    ]
    rows += [["5", "a", "7", "training", "medium", "Rock", "x"]] * (n_tracks < 4)
    rows += [["98565", "b", "8", "test", "small", "Rock", "two\nlines, quoted"]]
    columns = [
        ("", ""),
        ("artist", "name"),
        ("artist", "id"),
        ("set", "split"),
        ("set", "subset"),
        ("track", "genre_top"),
        ("track", "title"),
    ]
    lines = [[group for group, _ in columns], [name for _, name in columns], ["track_id"] + [""] * 6, *rows]
    (root / "fma_metadata").mkdir(parents=True)
    pd.DataFrame(lines).to_csv(root / "fma_metadata" / "tracks.csv", header=False, index=False)
    for row in rows:
        track_id = row[0].zfill(6)
        write_sound(root / "fma_small" / track_id[:3] / f"{track_id}.mp3", 0.1)
    return root


@pytest.mark.parametrize("below", [".", "fma", "data/fma"])
def test_fma_loads_with_artists_and_official_split(tmp_path, below):
    root = write_fma(tmp_path / below)
    corpus = fma.load(tmp_path)
    assert corpus.name == "fma_small"
    assert list(corpus.clips.index) == ["000002", "000003", "000004", "000005"]
    assert dict(corpus.clips.loc["000003"].dropna()) == {
        "genre": "Hip-Hop",
        "artist": "artist 1",
        "artist_group": "1",
        "title": "NA",  # a title, not a missing value
        "path": str(root.resolve() / "fma_small" / "000" / "000003.mp3"),
        "official_split": "training",
    }


def test_fma_accounts_for_every_track_and_every_file(tmp_path):
    write_fma(tmp_path, n_tracks=3)
    (tmp_path / "fma_small" / "000" / "000004.mp3").unlink()
    corpus = fma.load(tmp_path)
    assert list(corpus.clips.index) == ["000002", "000003"]
    assert dict(corpus.excluded["reason"]) == fma.KNOWN_FAULTS | {
        "000/000005.mp3": "not among the 8,000 tracks of FMA-small",
        "000004": "no file in this copy",
    }


def test_fma_errors_name_what_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such folder.*FMA-small is expected as"):
        fma.load(tmp_path / "nowhere")
    (tmp_path / "fma_small.zip").write_bytes(b"")
    with pytest.raises(DataError, match=r"no fma_metadata/tracks\.csv in it.*it holds fma_small\.zip"):
        fma.load(tmp_path)
    write_fma(tmp_path / "one")
    table = tmp_path / "one" / "fma_metadata" / "tracks.csv"
    good = table.read_text()
    table.write_text(good.replace("genre_top", "genre"))
    with pytest.raises(DataError, match=r"tracks\.csv: no column track / genre_top"):
        fma.load(tmp_path)
    table.write_text(good.replace("small", "large"))
    with pytest.raises(DataError, match="no track of the subset small"):
        fma.load(tmp_path)
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"tracks\.csv: not a readable table"):
        fma.load(tmp_path)
    write_fma(tmp_path / "two")
    with pytest.raises(DataError, match=r"holds fma_metadata/tracks\.csv 2 times"):
        fma.load(tmp_path)


def test_fma_from_labels_keeps_the_known_faults_on_record():
    corpus = fma.from_labels(["000002", "5", "098565"], ["Hip-Hop", "Rock", "Rock"])
    assert list(corpus.clips.index) == ["000002", "000005", "098565"]
    assert corpus.clips["official_split"].isna().all()
    assert fma.from_labels(["107535"], ["Rock"]).clips["fault"]["107535"] == "silent"
    assert set(corpus.excluded.index) == set(fma.KNOWN_FAULTS) - {"098565"}
    with pytest.raises(DataError, match="2 clips but 1 genres"):
        fma.from_labels(["000002", "000005"], ["Rock"])


# --- anyone's own folder


def test_own_folder_takes_every_format_and_names_what_it_leaves_out(tmp_path):
    root = tmp_path / "music"
    for name in ("rock/a.wav", "rock/album/b.FLAC", "jazz/c.mp3", "jazz/d.ogg", "jazz/e.aiff"):
        write_sound(root / name)
    for name in ("jazz/cover.jpg", "jazz/f.m4a", "jazz/.hidden.wav", "list.txt", "empty/readme"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    corpus = folder.load(root)
    assert corpus.name == "music"
    assert dict(corpus.clips["genre"]) == {"jazz/c": "jazz", "jazz/d": "jazz", "jazz/e": "jazz", "rock/a": "rock", "rock/album/b": "rock"}
    assert set(corpus.excluded.index) == {"jazz/cover.jpg", "jazz/f.m4a", "jazz/.hidden.wav", "list.txt", "empty/readme"}
    assert corpus.excluded["reason"]["jazz/f.m4a"].startswith(".m4a is not a sound format that can be read; music must be WAV")
    assert corpus.excluded["reason"]["list.txt"] == "it lies beside the genre folders, not in one"


def test_own_folder_follows_linked_genre_folders(tmp_path):
    write_sound(tmp_path / "disk" / "a.wav")
    write_sound(tmp_path / "music" / "rock" / "b.wav")
    (tmp_path / "music" / "jazz").symlink_to(tmp_path / "disk")
    assert list(folder.load(tmp_path / "music").clips.index) == ["jazz/a", "rock/b"]


def test_own_folder_follows_links_below_a_genre_but_not_in_circles(tmp_path):
    for name in ("music/jazz/a.wav", "music/rock/b.wav", "disk/c.wav"):
        write_sound(tmp_path / name)
    (tmp_path / "music" / "rock" / "album").symlink_to(tmp_path / "disk")
    (tmp_path / "music" / "rock" / "up").symlink_to(tmp_path / "music")
    (tmp_path / "music" / "rock" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    corpus = folder.load(tmp_path / "music")
    assert list(corpus.clips.index) == ["jazz/a", "rock/album/c", "rock/b", "rock/gone"]
    assert list(corpus.excluded.index) == ["rock/up"]
    assert describe(corpus).loc["rock/gone", "reason"] == "no such file"


def test_own_folder_follows_folders_that_lead_to_each_other_once(tmp_path):
    for name in ("jazz/a.wav", "rock/one/b.wav", "rock/two/c.wav"):
        write_sound(tmp_path / "music" / name)
    (tmp_path / "music" / "rock" / "one" / "more").symlink_to(tmp_path / "music" / "rock" / "two")
    (tmp_path / "music" / "rock" / "two" / "more").symlink_to(tmp_path / "music" / "rock" / "one")
    clips = folder.load(tmp_path / "music").clips
    assert list(clips.index) == ["jazz/a", "rock/one/b", "rock/one/more/c", "rock/two/c", "rock/two/more/b"]


def test_genres_that_are_numbers_keep_their_labels():
    corpus = Corpus("numbers", pd.DataFrame({"genre": [2, 10, 2, 33]}, index=list("abcd")))
    assert corpus.genres == ("10", "2", "33") and list(corpus.labels) == [1, 0, 1, 2]


def test_own_folder_stops_at_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    for name in ("music/jazz/a.wav", "music/rock/album/b.wav"):
        write_sound(tmp_path / name)
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "album":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # the superuser may read everything
    with pytest.raises(AccessError, match=r"rock/album: cannot be read \(Permission denied\)"):
        folder.load(tmp_path / "music")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are Unicode")
def test_own_folder_leaves_out_names_that_are_not_utf_8(tmp_path):
    for name in ("music/jazz/a.wav", "music/rock/b.wav"):
        write_sound(tmp_path / name)
    shutil.copy(tmp_path / "music" / "rock" / "b.wav", os.fsencode(tmp_path / "music" / "rock") + b"/caf\xe9.wav")
    corpus = folder.load(tmp_path / "music")
    assert dict(corpus.excluded["reason"]) == {r"rock/caf\udce9.wav": "its name is not UTF-8; rename it"}
    assert list(corpus.clips.index) == ["jazz/a", "rock/b"]


names = st.lists(
    st.sampled_from(["a", "a.wav", "a.b", "b"]).flatmap(lambda s: st.sampled_from([f"{s}.wav", f"{s}.mp3", f"{s}.ogg"])), min_size=1
)


@given(st.sets(names.map(tuple)).map(lambda sets: sorted({f"{genre}/{name}" for names in sets for name in names for genre in ("x", "y")})))
def test_track_ids_of_an_own_folder_are_unique(files):
    track_ids = folder._ids([Path(name) for name in files])
    assert len(set(track_ids)) == len(files)
    assert all(name in (track_id, f"{track_id}{Path(name).suffix}") for track_id, name in zip(track_ids, files, strict=True))


def test_own_folder_needs_two_genres(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such folder"):
        folder.load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"at least two genres.*found 0 \(the folder is empty\)"):
        folder.load(tmp_path)
    write_sound(tmp_path / "genres" / "rock" / "a.wav")
    with pytest.raises(DataError, match=r"found 1 \(genres\)"):
        folder.load(tmp_path)


# --- the one entrance


def test_load_knows_names_and_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("MUSICGENRE_DATA", raising=False)
    write_gtzan(tmp_path / "gtzan" / "genres")
    write_fma(tmp_path / "fma")
    assert corpora.load("gtzan", tmp_path).name == "gtzan"
    assert corpora.load("fma_small", str(tmp_path)).name == "fma_small"
    assert corpora.load(tmp_path / "gtzan" / "genres").name == "genres"
    monkeypatch.setenv("MUSICGENRE_DATA", str(tmp_path))
    assert corpora.load("gtzan").clips["artist"]["blues.00000"] == "John Lee Hooker"


def test_load_says_what_to_do_without_data(monkeypatch):
    monkeypatch.delenv("MUSICGENRE_DATA", raising=False)
    with pytest.raises(DataError, match=r"the corpus gtzan needs its audio: set MUSICGENRE_DATA.*musicgenre\.corpora\.gtzan\.fetch"):
        corpora.load("gtzan")
    with pytest.raises(SettingsError, match=r"'gtzn' is neither a corpus \(synthetic, gtzan, fma_small\) nor a folder"):
        corpora.load("gtzn")


def test_clips_are_sorted_by_their_names_as_text():
    corpus = Corpus("numbers", pd.DataFrame({"genre": ["rock", "jazz", "pop"]}, index=[2, 10, 3]))
    assert list(corpus.clips.index) == ["10", "2", "3"] == list(corpus.select(["3", "2", "10"]).clips.index)


def test_exclusions_are_a_sorted_table():
    assert list(exclusions({"b": "late", "a": "early"})["reason"]) == ["early", "late"]
    assert exclusions({}).empty and exclusions({}).index.name == "track_id"
