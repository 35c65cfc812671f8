"""The run records in `book/results`, checked from outside: their scores, their splits, and one run done again."""

import os
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
from conftest import ROOT, need

from musicgenre import experiments, runs
from musicgenre.corpora import fma, gtzan
from musicgenre.corpora.corpus import Corpus
from musicgenre.experiments import Dataset
from musicgenre.experiments.xu_2024 import add_augmented
from musicgenre.splits import split

FOLDER = ROOT / "book" / "results"
RECORDS = runs.read_records(FOLDER)  # reads no file that breaks the schema or has the name of another run


def test_no_record_is_of_the_synthetic_corpus():
    assert set(RECORDS["profile"]) <= {"lite", "full"}
    assert {made["corpus"]["name"] for made in RECORDS["record"]} <= {"gtzan", "fma_small"}


def test_the_scores_of_every_record_follow_from_its_counts_and_it_was_trained_as_its_experiment_is_now():
    problems = {row.file: runs.verify(row.record, experiment=experiments.get(row.paper, row.experiment)) for row in RECORDS.itertuples()}
    assert {file: found for file, found in problems.items() if found} == {}


# Splits


@cache
def items_of(corpus: Corpus, n_segments: int) -> Dataset:
    """Segments without features: all that a split sees of a data set, and as much as its preparation needs."""
    values = np.zeros((len(corpus), n_segments, 2, 64), np.float32)
    return Dataset.from_segments(corpus, values, {"parameters": {"segment_s": None, "n_fft": 512}})


@cache
def gtzan_without(excluded: frozenset[str]) -> Corpus:
    """GTZAN but for some clips; artists, folds and the fault-filtered split come with the package."""
    return gtzan.from_facts(sorted(set(gtzan.facts().index) - excluded), "left out")


@cache
def split_digest(data: Dataset, prepare, protocol: str, *, seed: int, **settings) -> str:
    """Draw a split; many experiments share one."""
    parts = split(data.items, protocol, seed=seed, **settings)
    if prepare:
        data, parts = prepare(data, parts, seed)
    return parts.digest(data.items)


def splits_that_differ(corpus_name: str, corpus_of) -> list[str]:
    """Draw the split of every record of a corpus again, and return the files of the records that name another one."""
    differ = []
    for file, made in zip(RECORDS["file"], RECORDS["record"], strict=True):
        if made["corpus"]["name"] == corpus_name:
            corpus, experiment = corpus_of(made), experiments.get(made["paper"], made["experiment"])
            assert made["corpus"]["digest"] == corpus.digest, file
            n_items = sum(made["split"]["n_items"].values())
            if experiment.prepare is add_augmented:  # half of the training items are copies
                n_items -= made["split"]["n_items"]["train"] // 2
            settings = {"fold": made["fold"], "valid_fraction": experiment.valid_fraction, "test_fraction": experiment.test_fraction}
            data = items_of(corpus, n_items // len(corpus))
            found = split_digest(data, experiment.prepare, made["protocol"], seed=made["seed"], **settings)
            differ += [file] if found != made["split"]["digest"] else []
    return differ


def test_the_splits_on_gtzan_are_those_that_the_records_name():
    assert splits_that_differ("gtzan", lambda made: gtzan_without(frozenset(made["corpus"]["excluded"]))) == []


def test_the_splits_on_fma_small_are_those_that_the_records_name(real_data):
    with np.load(need(real_data, "fma_small_logmel.npz")) as archive:
        corpus = fma.from_labels(archive["track_id"], archive["genre"])
    assert splits_that_differ("fma_small", lambda made: corpus) == []


# Done again


def test_a_run_done_again_gives_the_recorded_numbers(real_data, tmp_path):
    """Bit for bit on the same processor and with the same versions; elsewhere the accuracy lies in the interval over its seeds."""
    need(real_data, "features_10_sec.csv")  # vectors of a table: the shortest run
    of_experiment = RECORDS.query("paper == 'demarco_2024' and experiment == 'lstm_10s' and protocol == 'tracks'")
    here = [runs.processor() in made["device"] for made in of_experiment["record"]]
    chosen = (of_experiment[here] if any(here) else of_experiment).iloc[0]
    recorded, others = chosen["record"], of_experiment[of_experiment["file"] != chosen["file"]]
    for file in others["file"]:  # they are recorded, so the command makes the chosen one alone
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / file, tmp_path / file)
    environment = {name: value for name, value in os.environ.items() if not runs.ARITHMETIC.fullmatch(name)}
    environment |= recorded.get("environment", {}) | {"MUSICGENRE_CACHE": str(tmp_path), "MUSICGENRE_DATA": str(real_data)}
    which = ["demarco_2024", "-e", "lstm_10s", "-p", "tracks", "--profile", "lite", "--results", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "musicgenre.cli", "replicate", *which], env=environment, check=True)
    again = runs.read_record(tmp_path / chosen["file"])
    assert again["split"] == recorded["split"]
    if [again[key] for key in ("device", "versions")] == [recorded[key] for key in ("device", "versions")]:
        for key in ("history", "best_epoch", "scores", "by_genre", "certainty", "tracks"):
            assert again[key] == recorded[key], key
    else:
        _, low, high = runs.accuracy(of_experiment["record"])
        assert low <= again["scores"]["segment"]["accuracy"] <= high
