"""Run records made by hand: what a run would have given, with answers that a test chooses."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from musicgenre import experiments, runs
from musicgenre.corpora.corpus import Corpus
from musicgenre.experiments import Dataset, Outcome
from musicgenre.settings import Profile
from musicgenre.splits import split

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def dataset(n_per_genre: int = 20, shape: tuple[int, ...] = (57,), n_segments: int = 1) -> Dataset:
    """Clips of GTZAN's ten genres by artists of their own, in 57 numbers of which the first tells the genre."""
    track_ids = [f"{genre}.{i:05d}" for genre in GENRES for i in range(n_per_genre)]
    clips = pd.DataFrame({"genre": [track_id.split(".")[0] for track_id in track_ids], "artist_group": track_ids}, index=track_ids)
    corpus = Corpus("handmade", clips)
    values = np.random.default_rng(0).normal(size=(len(corpus), n_segments, *shape)).astype(np.float32)
    values[..., 0] += 2 * corpus.labels.reshape(-1, *[1] * len(shape))
    return Dataset.from_segments(corpus, values, {"name": "numbers", "digest": "0" * 16, "source": "test"})


def outcome(
    name: str, right: float | dict[str, float] = 1.0, *, paper: str = "demarco_2024", protocol: str | None = None, seed: int = 0,
    confidence: dict[str, float] | None = None, history: dict | None = None, data: Dataset | None = None,
) -> Outcome:  # fmt: skip
    """Give what a run of 40 test clips would give; of each genre, or of these genres, this share is right.

    Wrong answers name the next genre. ``confidence`` is the probability of the answer for clips of a genre.
    """
    experiment = experiments.get(paper, name)
    if paper != "demarco_2024":
        experiment = replace(experiment, measure=None)  # what others measure needs a real model
    data = data or dataset()
    parts = split(data.items, protocol or experiment.protocols[0], seed=seed, valid_fraction=0.1, test_fraction=0.2)
    true = data.y[parts.test]
    place = pd.Series(true).groupby(true).cumcount().to_numpy() / np.bincount(true)[true]
    shares = np.array([right.get(genre, 1.0) if isinstance(right, dict) else right for genre in GENRES])
    predicted = np.where(place < shares[true] - 1e-9, true, (true + 1) % len(GENRES))
    sure = np.array([(confidence or {}).get(genre, 0.9) for genre in GENRES])[true][:, None]
    probabilities = (np.eye(len(GENRES))[predicted] * (10 * sure - 1) + 1 - sure) / 9
    training = experiment.training
    curves = {"accuracy": [0.5, 1.0], "loss": [1.0, 0.1], "val_accuracy": [0.5, 0.6], "val_loss": [1.5, 1.2]}
    return Outcome(
        experiment=experiment, dataset=data, split=parts, seed=seed, fold=1, profile=Profile.LITE, training=training,
        model=SimpleNamespace(name="handmade"), probabilities=probabilities, history=history or curves,
        n_parameters=894, wall_time_s=1.0,
    )  # fmt: skip


def record(name: str, right: float | dict[str, float] = 1.0, **settings) -> dict:
    """Give the record of such a run."""
    return runs.record(outcome(name, right, **settings))


def table(folder: Path, *made: dict) -> pd.DataFrame:
    """Write records where a replication would, and read them back."""
    for one in made:
        place = {key: one[key] for key in ("seed", "fold", "profile")}
        path = runs.path_of(folder, one["paper"], one["experiment"], one["protocol"], **place)
        runs.write_record(path, one)
    return runs.read_records(folder)


def lite(n_clips: int, n_frames: int) -> tuple[Corpus, np.ndarray, dict]:
    """Log-mel of whole clips, as ``lite_log_mel`` gives them."""
    corpus = dataset(1).corpus
    values = np.random.default_rng(0).normal(-40, 10, (n_clips, 1, n_frames, 128)).astype(np.float32)
    return corpus.select(corpus.clips.index[:n_clips]), values, {"name": "log_mel", "source": "archive:test", "parameters": {}}
