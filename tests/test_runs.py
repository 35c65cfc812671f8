"""Run records: complete, checked when written and read, reproducible, and untouched by a kill."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import handmade
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from musicgenre import corpora, evaluation, experiments, runs, settings
from musicgenre.corpora.corpus import exclusions
from musicgenre.errors import DataError, SettingsError
from musicgenre.experiments import Training
from musicgenre.experiments.demarco_2024 import whole_clips
from musicgenre.settings import Profile

MLP = experiments.get("demarco_2024", "mlp_30s")
SHORT = replace(MLP, training=Training(epochs=2, batch_size=16, keep="last"))


@pytest.fixture(scope="module")
def made() -> dict:
    return handmade.record("mlp_30s", {"jazz": 0.5, "rock": 0.0})


# What a record holds


def test_a_record_holds_what_was_run_and_every_answer():
    outcome = handmade.outcome("mlp_30s", {"jazz": 0.5, "rock": 0.0}, seed=3)
    made = runs.record(outcome)
    dataset, test = outcome.dataset, outcome.split.test
    assert (made["paper"], made["experiment"], made["protocol"], made["seed"], made["fold"]) == ("demarco_2024", "mlp_30s", "tracks", 3, 1)
    assert made["profile"] == "lite"
    assert made["corpus"]["digest"] == dataset.corpus.digest
    assert made["split"]["digest"] == outcome.split.digest(dataset.items)
    assert made["split"]["n_items"] == {"train": 140, "valid": 20, "test": 40, "left_out": 0}
    assert made["tracks"]["track_id"] == sorted(dataset.items["track_id"].iloc[test])
    assert made["scores"]["segment"]["accuracy"] == pytest.approx(34 / 40)
    assert made["by_genre"]["jazz"]["recall"] == 0.5 and made["by_genre"]["rock"]["recall"] == 0
    assert made["best_epoch"] == 2  # the last: this experiment keeps it
    assert made["certainty"]["blues"] == pytest.approx(np.log10(0.9 / (0.1 / 9)), abs=1e-4)
    assert made["versions"]["musicgenre"] and made["versions"]["backend"] in made["versions"]


def test_a_record_names_what_was_left_out_and_made_smaller():
    data = handmade.dataset()
    corpus = replace(data.corpus, excluded=exclusions({"jazz.00054": "damaged"}))
    made = handmade.record("mlp_30s", data=replace(data, corpus=corpus, reductions=("fewer frames",)))
    assert made["corpus"]["excluded"] == {"jazz.00054": "damaged"} and made["reductions"] == ["fewer frames"]


def test_segments_are_summed_up_by_track():
    data = handmade.dataset(n_segments=3)
    outcome = handmade.outcome("mlp_3s", 0.5, data=data, protocol="tracks")
    tracks = runs.record(outcome)["tracks"]
    answers = outcome.probabilities.argmax(axis=1)
    ids, means = evaluation.by_track(outcome.probabilities, data.items["track_id"].iloc[outcome.split.test])
    assert tracks["track_id"] == list(ids) and len(ids) == 40
    assert tracks["segments"] == [3] * 40
    assert tracks["predicted"] == means.argmax(axis=1).tolist()
    assert sum(tracks["correct"]) == (answers == data.y[outcome.split.test]).sum()
    assert all(top3 >= correct for top3, correct in zip(tracks["in_top3"], tracks["correct"], strict=True))


def test_the_digest_of_a_split_tells_parts_apart_but_not_the_order_of_items():
    outcome = handmade.outcome("mlp_30s")
    items, parts = outcome.dataset.items, outcome.split
    order = np.random.default_rng(0).permutation(len(items))
    place = np.argsort(order)
    moved = replace(parts, **{part: np.sort(place[getattr(parts, part)]) for part in ("train", "valid", "test")})
    assert moved.digest(items.iloc[order].reset_index(drop=True)) == parts.digest(items)
    swapped = replace(parts, train=np.append(parts.train[1:], parts.test[0]), test=np.append(parts.test[1:], parts.train[0]))
    assert swapped.digest(items) != parts.digest(items)
    assert handmade.outcome("mlp_30s", seed=1).split.digest(items) != parts.digest(items)


# Written and read


def test_a_record_comes_back_as_it_was_written(made, tmp_path):
    path = tmp_path / "demarco_2024" / "one.json"
    runs.write_record(path, made)
    assert runs.read_record(path) == json.loads(json.dumps(made))
    assert [file.name for file in path.parent.iterdir()] == ["one.json"]
    lines = path.read_text().splitlines()
    assert lines[0] == "{" and lines[-1] == "}" and len(lines) == len(made) + 2  # a line a key


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda made: made.pop("seed"), "'seed' is a required property"),
        (lambda made: made.update(surplus=1), "surplus"),
        (lambda made: made.update(profile="tiny"), "profile: 'tiny'"),
        (lambda made: made["scores"]["track"].update(accuracy=1.2), "scores/track/accuracy: 1.2"),
        (lambda made: made["tracks"]["predicted"].append("rock"), "tracks/predicted/40: 'rock'"),
        (lambda made: made["split"].update(digest="xyz"), "split/digest"),
        (lambda made: made["by_genre"]["jazz"].pop("f1"), "by_genre/jazz: 'f1'"),
    ],
)
def test_a_wrong_record_is_neither_written_nor_read(made, tmp_path, change, place):
    wrong, path = copy.deepcopy(made), tmp_path / "wrong.json"
    change(wrong)
    with pytest.raises(DataError, match=place):
        runs.write_record(path, wrong)
    assert list(tmp_path.iterdir()) == []
    path.write_text(json.dumps(wrong))
    with pytest.raises(DataError, match=place) as caught:
        runs.read_record(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "no JSON"])
def test_a_file_that_is_no_json_is_named(tmp_path, content):
    path = tmp_path / "demarco_2024" / "half.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(DataError, match=r"half\.json: not JSON .*; delete it and run the experiment again"):
        runs.read_records(tmp_path)


def test_a_copy_of_a_record_does_not_count_as_another_run(made, tmp_path):
    (file,) = handmade.table(tmp_path, made)["file"]
    shutil.copy(tmp_path / file, tmp_path / "demarco_2024" / "copy.json")
    with pytest.raises(DataError, match=rf"copy\.json: it holds the run of {file}, and would count twice"):
        runs.read_records(tmp_path)


def test_a_record_holds_only_what_json_knows(made, tmp_path):
    with pytest.raises(ValueError, match="Out of range float values"):
        runs.write_record(tmp_path / "record.json", made | {"wall_time_s": float("nan")})
    assert list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize("by", ["tracks", "segments"])
def test_an_unknown_kind_of_accuracy_is_refused(made, by):
    with pytest.raises(SettingsError, match=f"by='{by}'; use segment, track or top3"):
        runs.accuracy([made], by=by)


def test_nothing_is_trained_where_no_record_can_be_written(tmp_path, cache):
    (tmp_path / "results").write_text("a file where a folder should be")
    with pytest.raises(SettingsError, match=r"results.*no record can be written there .*--results"):
        runs.replicate(SHORT, pytest.fail, "tracks", profile=Profile.LITE, folder=tmp_path / "results")


def test_records_are_read_as_a_table(made, tmp_path):
    other = handmade.record("lstm_3s", 0.75, seed=2)
    table = handmade.table(tmp_path, made, other)
    assert table["file"].tolist() == ["demarco_2024/lstm_3s.lite.tracks.seed2.json", "demarco_2024/mlp_30s.lite.tracks.seed0.json"]
    assert table["accuracy"].tolist() == pytest.approx([0.75, 34 / 40])
    assert table["record"].iloc[0]["experiment"] == "lstm_3s"
    empty = runs.read_records(tmp_path / "nowhere", "demarco_2024")
    assert empty.empty and list(empty.columns) == list(table.columns)


def test_the_results_folder_is_that_of_the_checkout_or_the_named_one(tmp_path, monkeypatch):
    monkeypatch.delenv("MUSICGENRE_RESULTS", raising=False)
    (tmp_path / "checkout" / "book" / "results").mkdir(parents=True)
    (tmp_path / "checkout" / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "checkout" / "notebooks")
    assert runs.results_folder() == tmp_path / "checkout" / "book" / "results"
    monkeypatch.chdir(tmp_path)
    assert runs.results_folder() == settings.cache_folder() / "results"
    monkeypatch.setenv("MUSICGENRE_RESULTS", str(tmp_path / "mine"))
    assert runs.results_folder() == tmp_path / "mine"


# Summaries


def test_a_summary_is_over_runs_of_the_same_kind(tmp_path):
    made = [handmade.record("lstm_3s", share, seed=seed) for seed, share in enumerate((0.5, 0.75, 1.0))]
    summary = runs.summarise(handmade.table(tmp_path, *made, handmade.record("lstm_6s", 0.5)))
    row = summary.loc["demarco_2024", "lstm_3s", "lite", "tracks"]
    assert row["mean"] == pytest.approx(0.75) and row["sd"] == pytest.approx(0.25) and row["runs"] == 3
    assert row["low"] < 0.5 and row["high"] == 1.0  # spread of the seeds, and of 40 test tracks
    single = summary.loc["demarco_2024", "lstm_6s", "lite", "tracks"]
    assert np.isnan(single["sd"]) and single["low"] < 0.5 < single["high"]
    assert len(row["files"]) == 3


@settings_of_hypothesis(max_examples=10)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=10, max_size=10))
def test_where_a_track_is_one_segment_both_levels_agree(shares):
    made = handmade.record("mlp_30s", dict(zip(handmade.GENRES, shares, strict=True)))
    assert made["scores"]["segment"]["accuracy"] == made["scores"]["track"]["accuracy"] == pytest.approx(np.mean(shares))
    assert runs.verify(made) == []


def test_scores_by_track_are_those_of_the_mean_probabilities(tmp_path):
    data = handmade.dataset(n_segments=3)
    made = [handmade.record("mlp_3s", share, data=data, protocol="tracks", seed=seed) for seed, share in enumerate((0.6, 1.0))]
    assert made[0]["scores"]["segment"]["accuracy"] == pytest.approx(8 / 12)  # of each genre two tracks, and two segments of a third
    assert made[0]["scores"]["track"]["accuracy"] == 3 / 4
    assert runs.verify(made[0]) == []
    mean, low, high = runs.accuracy(made[:1], by="track")
    assert mean == 3 / 4 and (low, high) == evaluation.run_interval([np.arange(40) < 30], [np.ones(40)], n_test_sets=1)
    records = handmade.table(tmp_path, *made)
    assert records["track_accuracy"].tolist() == [3 / 4, 1] and records["accuracy"].tolist() == pytest.approx([8 / 12, 1])
    row = runs.summarise(records, by="track").iloc[0]
    assert row["mean"] == 7 / 8 and row["sd"] == pytest.approx(np.std([3 / 4, 1], ddof=1))


# Verified


def more_right(made):
    made["tracks"]["predicted"] = made["tracks"]["true"]


def raise_accuracy(level):
    return lambda made: made["scores"][level].update(accuracy=0.99)


def move_a_count(made):
    counts = made["scores"]["segment"]["confusion"]
    counts[9][9], counts[9][0] = counts[9][9] + 1, counts[9][0] - 1


def raise_recall(made):
    made["by_genre"]["rock"]["recall"] = 1.0


def drop_a_track(made):
    for values in made["tracks"].values():
        values.pop()


def forget_a_segment(made):
    made["tracks"]["segments"][0] += 1


def one_more_right(made):
    wrong = made["tracks"]["correct"].index(0)
    made["tracks"]["correct"][wrong] = 1


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (more_right, "confusion counts by track"),
        (raise_accuracy("track"), "accuracy by track"),
        (raise_accuracy("segment"), "accuracy by segment"),
        (move_a_count, "precision, recall or F1"),
        (raise_recall, "precision, recall or F1"),
        (drop_a_track, "number of test tracks"),
        (forget_a_segment, "segments by track"),
        (one_more_right, "segments by track"),
    ],
)
def test_tampering_is_found(made, tamper, problem):
    assert runs.verify(made) == []
    tampered = copy.deepcopy(made)
    tamper(tampered)
    assert any(problem in found for found in runs.verify(tampered))


def test_the_split_is_drawn_again(made):
    data = handmade.dataset()
    assert runs.verify(made, data, MLP) == []
    for change in ({"seed": 1}, {"split": made["split"] | {"digest": "0" * 16}}):
        assert [problem for problem in runs.verify(made | change, data, MLP) if "the split is not the one" in problem]


@pytest.mark.parametrize("fold", [1, 2])
def test_a_run_is_tested_on_the_fold_that_it_names(tmp_path, cache, fold):
    data = handmade.dataset()
    data = replace(data, items=data.items.assign(artist_fold=(np.arange(len(data.items)) % 3 + 1).astype(str)))
    made, _ = runs.replicate(SHORT, lambda: data, "artists", fold=fold, profile=Profile.LITE, folder=tmp_path)
    assert made["fold"] == fold
    assert made["tracks"]["track_id"] == sorted(data.items["track_id"][data.items["artist_fold"] == str(fold)])
    assert runs.verify(made, data, SHORT) == []
    assert any("the split is not the one" in problem for problem in runs.verify(made | {"fold": 3}, data, SHORT))


# Replicated


def test_a_plan_does_one_seed_of_everything_first():
    jobs = runs.plan([MLP, experiments.get("demarco_2024", "lstm_3s")], seeds=2)
    assert [job.seed for job in jobs] == [0] * 10 + [1] * 10
    assert [(job.protocol, job.fold) for job in jobs[:5]] == [
        ("tracks", 1), ("artists", 1), ("artists", 2), ("artists", 3), ("fault_filtered", 1),
    ]  # fmt: skip
    assert [job.protocol for job in runs.plan([MLP], protocols=["tracks"], seeds=1)] == ["tracks"]
    assert len({job.path(Path(), Profile.LITE) for job in jobs}) == len(jobs)
    assert {job.seed for job in runs.plan([MLP])} == set(range(MLP.seeds))


def test_a_plan_keeps_to_the_rungs_of_each_experiment():
    leaky = experiments.get("demarco_2024", "lstm_3s_mixed_before_split")
    assert {job.experiment.id for job in runs.plan([MLP, leaky], protocols=["tracks", "fault_filtered"])} == {"mlp_30s"}
    with pytest.raises(SettingsError, match="none of the experiments is run under tracks or artists"):
        runs.plan([leaky], protocols=["tracks", "artists"])


def test_of_genres_that_tie_the_earlier_count_as_the_first():
    outcome = handmade.outcome("mlp_30s", 0.0)
    answers = outcome.probabilities.argmax(axis=1)
    certain = np.eye(10)[answers]  # as of a nearest neighbour: nine genres share the last place
    made = runs.record(replace(outcome, probabilities=certain))
    true = outcome.dataset.y[outcome.split.test]
    first_three = [{answer, *[genre for genre in range(10) if genre != answer][:2]} for answer in answers]
    expected = sum(genre in three for genre, three in zip(true, first_three, strict=True))
    assert (answers == true).sum() < expected < len(true)
    assert sum(made["tracks"]["in_top3"]) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"versions": {"python": "3.11.4", "backend": "jax"}}, "different backends"),
        ({"corpus": {"name": "gtzan", "digest": "f" * 16, "n_clips": 100, "excluded": {}}}, "different clips or features"),
        ({"feature": {"name": "numbers", "digest": "f" * 16, "source": "test"}}, "different clips or features"),
        ({"model": {"name": "mlp", "parameters": 1}}, "different models or training settings"),
    ],
)
def test_records_of_different_things_are_not_averaged(tmp_path, change, message):
    first, second = (handmade.record("mlp_30s", seed=seed) for seed in (0, 1))
    with pytest.raises(DataError, match=rf"mlp_30s.*seed0.json and .*mlp_30s.*seed1.json are of {message}"):
        handmade.table(tmp_path, first, second | change)


def test_segments_drawn_one_by_one_are_a_case_each():
    made = handmade.record("mlp_3s", 0.5, data=handmade.dataset(n_segments=3), protocol="tracks")
    tracks, segments = (np.ptp(runs.accuracy([made | {"protocol": rung}])[1:]) for rung in ("tracks", "as_published"))
    assert segments == pytest.approx(tracks / np.sqrt(3), rel=0.03)  # the three segments of a track are right together


def test_runs_on_one_test_set_count_its_chance_besides_their_own():
    fixed = [handmade.record("mlp_30s", share) | {"seed": seed} for seed, share in enumerate((0.5, 0.75, 1.0))]
    drawn = [handmade.record("mlp_30s", share, seed=seed) for seed, share in enumerate((0.5, 0.75, 1.0))]
    assert runs.accuracy(fixed)[1] < runs.accuracy(drawn)[1]


def test_runs_on_different_segments_are_not_subtracted():
    with pytest.raises(DataError, match="lstm_3s and lstm_6s, seed 0: the two runs were tested on different segments"):
        runs.difference([(handmade.record("lstm_3s"), handmade.record("lstm_6s", seed=1))])


def test_the_test_loss_is_the_mean_cross_entropy():
    expected = -(0.75 * np.log(0.9) + 0.25 * np.log(0.1 / 9))
    assert handmade.outcome("mlp_30s", 0.75).test_loss == pytest.approx(expected)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_rungs_with_other_training_settings_are_not_compared(tmp_path):
    made = [handmade.record("mlp_30s") | {"protocol": rung} for rung in ("tracks", "fault_filtered")]
    made[1]["training"] |= {"patience": 5}
    with pytest.raises(DataError, match="different models or training settings"):
        handmade.table(tmp_path, *made)


def test_runs_for_two_folders_do_not_share_their_checkpoint(tmp_path, cache):
    data, place = handmade.dataset(), {"seed": 0, "profile": Profile.LITE}

    def stop(*_):
        raise KeyboardInterrupt

    for folder in ("one", "two"):
        with pytest.raises(KeyboardInterrupt):
            runs.replicate(SHORT, lambda: data, "tracks", **place, folder=tmp_path / folder, on_epoch=stop)
    kept = set((cache / "checkpoints").iterdir())
    runs.replicate(SHORT, lambda: data, "tracks", **place, folder=tmp_path / "two")
    left = set((cache / "checkpoints").iterdir())
    assert len(kept) == 2 and len(left) == 1 and left < kept


def test_a_recorded_run_is_not_run_again(tmp_path, cache):
    data = handmade.dataset()
    place = {"seed": 0, "profile": Profile.LITE, "folder": tmp_path}
    first, new = runs.replicate(SHORT, lambda: data, "tracks", **place)
    assert new and runs.verify(first, data, SHORT) == []
    assert list((cache / "checkpoints").iterdir()) == []

    def never():
        raise AssertionError("the data set of a recorded run is not needed")

    again, new = runs.replicate(SHORT, never, "tracks", **place)
    assert not new and again == json.loads(json.dumps(first))
    forced, new = runs.replicate(SHORT, lambda: data, "tracks", force=True, **place)
    assert new and forced["tracks"] == first["tracks"] and forced["history"] == first["history"]


def test_a_record_of_other_settings_is_refused(tmp_path, cache):
    data = handmade.dataset()
    place = {"seed": 0, "profile": Profile.LITE, "folder": tmp_path}
    made, _ = runs.replicate(SHORT, lambda: data, "tracks", **place)
    changed = replace(SHORT, training=replace(SHORT.training, learning_rate=0.5))
    with pytest.raises(DataError, match=r"mlp_30s\.lite\.tracks\.seed0\.json: it was trained with .*'learning_rate': 0\.5.*--force"):
        runs.replicate(changed, lambda: data, "tracks", **place)
    (problem,) = runs.verify(made, data, changed)
    assert problem.startswith("it was trained with")


@pytest.mark.parametrize("force", [False, True])
def test_an_interrupted_run_leaves_no_record_and_goes_on(tmp_path, cache, force):
    data = handmade.dataset()
    place = {"seed": 0, "profile": Profile.LITE}
    whole, _ = runs.replicate(SHORT, lambda: data, "tracks", folder=tmp_path / "whole", **place)

    def stop(epoch, history):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.replicate(SHORT, lambda: data, "tracks", folder=tmp_path / "stopped", on_epoch=stop, force=force, **place)
    assert not list((tmp_path / "stopped").rglob("*.json"))
    assert len(list((cache / "checkpoints").iterdir())) == 1
    seen = []
    resumed, new = runs.replicate(
        SHORT, lambda: data, "tracks", folder=tmp_path / "stopped", on_epoch=lambda epoch, _: seen.append(epoch), force=force, **place
    )
    assert new and seen == [2]
    assert (resumed["tracks"], resumed["history"]) == (whole["tracks"], whole["history"])


# Killed


@pytest.fixture
def smoke_cache(tmp_path, monkeypatch) -> Path:
    """A cache folder of its own, with the built-in corpus and its features as the user's cache holds them."""
    usual = settings.cache_folder()
    whole_clips(Profile.SMOKE, None)
    private = tmp_path / "cache"
    private.mkdir()
    rendered = Path(corpora.load("synthetic").clips["path"].iloc[0]).relative_to(usual).parts[0]
    for name in ("features", rendered):
        (private / name).symlink_to(usual / name)
    monkeypatch.setenv("MUSICGENRE_CACHE", str(private))
    return private


THREE_EPOCHS = """
import sys
import time
from pathlib import Path

from musicgenre import experiments, runs
from musicgenre.experiments.demarco_2024 import whole_clips
from musicgenre.settings import Profile


def wait(epoch, history):
    if epoch == 3:
        time.sleep(600)


load = lambda: whole_clips(Profile.SMOKE, None)
where = {"profile": Profile.SMOKE, "folder": Path(sys.argv[1])}
runs.replicate(experiments.get("demarco_2024", "mlp_30s"), load, "tracks", **where, on_epoch=wait)
"""


def epochs_done(checkpoints: Path) -> int:
    for file in checkpoints.glob("*.npz"):
        with np.load(file, allow_pickle=False) as saved:
            return len(json.loads(str(saved["about"]))["history"]["loss"])
    return 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and symbolic links")
def test_a_killed_replication_goes_on_to_the_same_record(tmp_path, smoke_cache):
    name, checkpoints = "demarco_2024/mlp_30s.smoke.tracks.seed0.json", smoke_cache / "checkpoints"
    whole, _ = runs.replicate(MLP, lambda: whole_clips(Profile.SMOKE, None), "tracks", profile=Profile.SMOKE, folder=tmp_path / "whole")
    killed = subprocess.Popen([sys.executable, "-c", THREE_EPOCHS, str(tmp_path / "killed")], env=os.environ)
    deadline = time.monotonic() + 300
    while epochs_done(checkpoints) < 3:
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL and epochs_done(checkpoints) == 3
    assert not list((tmp_path / "killed").rglob("*.json"))

    command = [sys.executable, "-m", "musicgenre.cli", "replicate", "demarco_2024", "-e", "mlp_30s", "-p", "tracks", "--seeds", "1"]
    command += ["--profile", "smoke", "--results", str(tmp_path / "killed")]
    subprocess.run(command, env=os.environ, timeout=300, check=True)
    made = runs.read_record(tmp_path / "killed" / name)
    changing = {"wall_time_s": 0, "written": ""}
    assert made | changing == runs.read_record(tmp_path / "whole" / name) | changing
    assert whole["training"]["epochs"] == len(made["history"]["loss"]) == 20
    assert list(checkpoints.glob("*.npz")) == []
