"""Splits: every item in one part, nothing shared that the protocol keeps apart, the same from the same seed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgenre.errors import LeakError, SettingsError
from musicgenre.experiments import Dataset
from musicgenre.experiments.dataset import thin_training
from musicgenre.splits import PARTS, PROTOCOLS, RESPECTS, Split, split

GENRES = ("blues", "jazz", "rock")


def make_items(clips_per_genre: int, segments: int, clips_per_artist: int) -> pd.DataFrame:
    """Items of a corpus with artists, three artist folds and a fixed split; the last clip of each genre is faulty."""
    rows = []
    for genre in GENRES:
        for clip in range(clips_per_genre):
            artist = clip // clips_per_artist
            faulty = clip == clips_per_genre - 1
            part = {0: "test", 1: "valid"}.get(artist % 4, "train")
            for segment in range(segments):
                rows.append(
                    {
                        "track_id": f"{genre}.{clip:05d}",
                        "segment": segment,
                        "genre": genre,
                        "artist": f"{genre} artist {artist}",
                        "artist_group": f"{genre} artist {artist}",
                        "artist_fold": str(artist % 3 + 1),
                        "official_split": None,
                        "fault_filtered": None if faulty else part,
                    }
                )
    return pd.DataFrame(rows)


corpora = st.builds(make_items, st.integers(20, 40), st.integers(1, 5), st.integers(1, 4))
seeds = st.integers(0, 2**31 - 1)
protocols = st.sampled_from(PROTOCOLS)


@given(corpora, protocols, seeds)
def test_every_item_is_in_exactly_one_place(items, protocol, seed):
    parts = split(items, protocol, seed=seed)
    places = np.concatenate([parts.train, parts.valid, parts.test, parts.left_out])
    assert sorted(places) == list(range(len(items)))


@given(corpora, protocols, seeds)
def test_nothing_is_shared_that_the_protocol_keeps_apart(items, protocol, seed):
    parts = split(items, protocol, seed=seed)
    for key in RESPECTS[protocol]:
        values = [set(items[key].iloc[getattr(parts, part)]) for part in PARTS]
        assert not (values[0] & values[1] or values[0] & values[2] or values[1] & values[2])


@given(corpora, protocols, seeds)
def test_the_same_seed_gives_the_same_split(items, protocol, seed):
    assert split(items, protocol, seed=seed).digest(items) == split(items, protocol, seed=seed).digest(items)


@given(corpora, st.sampled_from(["as_published", "tracks"]), seeds)
def test_another_seed_gives_another_split(items, protocol, seed):
    assert split(items, protocol, seed=seed).digest(items) != split(items, protocol, seed=seed + 1).digest(items)


@given(corpora, st.sampled_from(["as_published", "tracks"]), seeds)
def test_drawn_parts_hold_each_genre_in_its_share(items, protocol, seed):
    parts = split(items, protocol, seed=seed, valid_fraction=0.2, test_fraction=0.2)
    for positions, fraction in ((parts.train, 0.6), (parts.valid, 0.2), (parts.test, 0.2)):
        shares = items["genre"].iloc[positions].value_counts(normalize=True)
        one_track = items.groupby("track_id").size().max() / len(positions)
        assert np.allclose(shares[list(GENRES)], 1 / 3, atol=one_track + 1e-9)
        assert abs(len(positions) / len(items) - fraction) <= 2 * items["segment"].nunique() / len(items) * len(GENRES)


@given(corpora, seeds)
def test_the_order_of_the_rows_of_a_fixed_split_does_not_matter(items, seed):
    shuffled = items.sample(frac=1, random_state=seed % 1000)
    assert split(items, "fault_filtered").digest(items) == split(shuffled, "fault_filtered").digest(shuffled)


def test_segments_of_a_track_are_spread_when_published_so():
    items = make_items(30, 10, 3)
    parts = split(items, "as_published", test_fraction=0.2)
    shared = parts.shared(items, "track_id")["train and test"]
    assert len(shared) > 0.8 * items["track_id"].nunique()


def test_each_artist_fold_is_tested_once():
    items = make_items(30, 2, 2)
    tested = [set(split(items, "artists", fold=fold).test) for fold in (1, 2, 3)]
    assert set.union(*tested) == set(range(len(items)))
    assert sum(map(len, tested)) == len(items)


def test_artists_without_folds_are_drawn_by_artist():
    items = make_items(40, 2, 2).assign(artist_fold=None)
    parts = split(items, "artists", seed=3, test_fraction=0.2)
    assert parts.shared(items, "artist_group") == {"train and valid": [], "train and test": [], "valid and test": []}
    assert 0.1 < len(parts.test) / len(items) < 0.35
    assert 0.05 < len(parts.valid) / len(items) < 0.2


@given(corpora, st.integers(2, 6), seeds)
def test_artists_are_drawn_apart_where_some_are_unknown(items, every, seed):
    unknown = items["track_id"].str[-5:].astype(int) % every == 0
    items = items.assign(artist_fold=None, artist_group=items["artist_group"].mask(unknown, None))
    parts = split(items, "artists", seed=seed, test_fraction=0.2)
    for key in RESPECTS["artists"]:
        assert parts.shared(items, key) == {"train and valid": [], "train and test": [], "valid and test": []}
    assert sorted(np.concatenate([parts.train, parts.valid, parts.test])) == list(range(len(items)))


@pytest.mark.parametrize(
    ("n_artists", "fractions", "message"),
    [
        (1, {}, "too few artists or clips for parts without shared artists .*; use the protocol tracks"),
        (60, {"valid_fraction": 0}, "a part of 0% cannot be drawn by artist"),
        (60, {"test_fraction": 1.0}, "a part of 100% cannot be drawn by artist"),
    ],
)
def test_artists_that_cannot_be_drawn_apart_are_said(n_artists, fractions, message):
    items = make_items(20, 1, 1).assign(artist_fold=None)
    items["artist_group"] = [f"artist {i % n_artists}" for i in range(len(items))]
    with pytest.raises(SettingsError, match=message):
        split(items, "artists", **fractions)


def test_few_artists_are_enough_to_be_kept_apart():
    items = make_items(20, 1, 1).assign(artist_fold=None)
    items["artist_group"] = [f"artist {i % 6}" for i in range(len(items))]
    parts = split(items, "artists", test_fraction=0.1)
    assert parts.shared(items, "artist_group")["train and test"] == []


def test_an_official_split_is_used_where_there_is_one():
    items = make_items(20, 1, 1).assign(artist_fold=None)
    items["official_split"] = items["artist"].str[-1].map({"0": "test", "1": "validation"}).fillna("training")
    parts = split(items, "artists", seed=5)
    for part, name in (("train", "training"), ("valid", "validation"), ("test", "test")):
        assert np.array_equal(getattr(parts, part), np.flatnonzero(items["official_split"] == name))


def test_the_guard_names_what_is_shared():
    items = make_items(20, 2, 2)
    train, test = np.flatnonzero(items["segment"] == 0), np.flatnonzero(items["segment"] == 1)
    leaking = Split("tracks", train, train[:0], test, train[:0])
    with pytest.raises(LeakError, match=r"train and test share 60 values of track_id, such as 'blues\.00000'"):
        leaking.guard(items)
    with pytest.raises(LeakError, match="an item is in two parts"):
        Split("as_published", train, train, test, train[:0]).guard(items)


KEPT_APART = [("tracks", "track_id"), ("artists", "track_id"), ("artists", "artist_group")]
KEPT_APART += [("fault_filtered", "track_id"), ("fault_filtered", "artist")]


@pytest.mark.parametrize(("protocol", "key"), KEPT_APART)
def test_the_guard_holds_each_protocol_to_its_promise(protocol, key):
    items = make_items(20, 1, 1)
    items.loc[59, key] = items.loc[0, key]
    with pytest.raises(LeakError, match=f"train and test share 1 values of {key}"):
        Split(protocol, np.arange(30), np.arange(30, 40), np.arange(40, 60), np.arange(0)).guard(items)


def test_a_fixed_split_that_leaks_is_refused():
    items = make_items(20, 1, 4)
    items["fault_filtered"] = ["train", "valid", "test", "train"] * 15
    with pytest.raises(LeakError, match="fault_filtered: .* share .* values of artist"):
        split(items, "fault_filtered")


@pytest.mark.parametrize(
    ("change", "protocol", "message"),
    [
        ({"fault_filtered": None}, "fault_filtered", "no fault-filtered split"),
        ({"artist_fold": None, "artist_group": None}, "artists", "names no artists"),
        ({}, "by_album", "unknown protocol 'by_album'; use one of as_published"),
    ],
)
def test_what_a_corpus_lacks_is_said(change, protocol, message):
    with pytest.raises(SettingsError, match=message):
        split(make_items(20, 1, 2).assign(**change), protocol)


def test_a_fold_that_is_not_there_is_said():
    with pytest.raises(SettingsError, match="no artist fold 2; this corpus has no folds"):
        split(make_items(20, 1, 1).assign(artist_fold=None), "artists", fold=2)
    with pytest.raises(SettingsError, match="no artist fold 4; this corpus has 1, 2, 3"):
        split(make_items(20, 1, 2), "artists", fold=4)


def test_too_few_clips_are_said():
    with pytest.raises(SettingsError, match="too few items for a stratified split"):
        split(make_items(2, 1, 1), "tracks")


def test_drawn_parts_have_the_sizes_that_the_fractions_give():
    items = pd.DataFrame({"track_id": np.arange(10_000).astype(str), "segment": 0, "genre": np.repeat(list("abcdefghij"), 1000)})
    parts = split(items, "as_published", valid_fraction=0.1, test_fraction=0.1)
    assert [len(getattr(parts, part)) for part in PARTS] == [8000, 1000, 1000]


# The control for the size of the training part


def thinned(items: pd.DataFrame, parts: Split, seed: int) -> Split:
    dataset, thinned = thin_training(Dataset(np.zeros(len(items)), items, None, {}), parts, seed)
    assert dataset.items is items
    return thinned


@given(corpora, st.sampled_from(["as_published", "tracks", "artists"]), seeds)
def test_a_thinned_training_part_has_no_more_tracks_of_a_genre_than_the_fixed_split(items, protocol, seed):
    parts = split(items, protocol, seed=seed, test_fraction=0.2)
    few = thinned(items, parts, seed)
    tracks = items.drop_duplicates("track_id")
    most = tracks[tracks["fault_filtered"] == "train"].groupby("genre").size()
    before, after = (items.iloc[p.train].groupby("genre")["track_id"].nunique() for p in (parts, few))
    assert after.to_dict() == np.minimum(before, most).to_dict()


@given(corpora, st.sampled_from(["as_published", "tracks", "artists"]), seeds)
def test_a_thinned_training_part_loses_whole_tracks_and_the_others_nothing(items, protocol, seed):
    parts = split(items, protocol, seed=seed, test_fraction=0.2)
    few = thinned(items, parts, seed)
    assert np.array_equal(few.valid, parts.valid) and np.array_equal(few.test, parts.test)
    lost = np.setdiff1d(parts.train, few.train)
    assert not set(items["track_id"].iloc[lost]) & set(items["track_id"].iloc[few.train])
    assert sorted(np.concatenate([few.train, few.valid, few.test, few.left_out])) == list(range(len(items)))


def test_a_training_part_is_thinned_by_chance_and_by_seed():
    items = make_items(40, 2, 2)
    parts = split(items, "tracks", test_fraction=0.2)
    first, again, other = (thinned(items, parts, seed).train for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_without_a_fixed_split_there_is_no_measure_to_thin_to():
    items = make_items(20, 1, 2).assign(fault_filtered=None)
    with pytest.raises(SettingsError, match="no fault-filtered split, whose training part"):
        thinned(items, split(items, "tracks"), 0)
