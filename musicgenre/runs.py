"""Run records: one JSON file a run, written by real runs alone. Every results table of the book is made from them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from musicgenre import atomic, evaluation, schemas, settings
from musicgenre.errors import DataError, SettingsError
from musicgenre.experiments.dataset import Dataset
from musicgenre.experiments.experiment import Experiment, Outcome, run
from musicgenre.settings import Profile
from musicgenre.splits import PARTS, PROTOCOLS

ARITHMETIC = re.compile(r"\w+_THREADS|TF_ENABLE_ONEDNN_OPTS|XLA_FLAGS")  # variables that change the order of sums, and so the last digits


def results_folder(profile: Profile = Profile.LITE) -> Path:
    """Return the folder of the run records: ``book/results`` of the checkout that holds the working directory.

    ``MUSICGENRE_RESULTS`` names another. Outside a checkout, and for the profile ``smoke``, it is a folder in the cache.
    """
    if profile is Profile.SMOKE:
        return settings.cache_folder() / "results"
    if os.environ.get("MUSICGENRE_RESULTS"):
        return Path(os.environ["MUSICGENRE_RESULTS"]).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "book" / "results").is_dir():
            return folder / "book" / "results"
    return settings.cache_folder() / "results"


def record(outcome: Outcome) -> dict:
    """Make the record of a run: what was run, on what, and every prediction by track.

    Parameters
    ----------
    outcome : Outcome
        What :func:`musicgenre.experiments.run` returned.

    Returns
    -------
    dict
        As ``runs.schema.json`` describes it. Scores by segment count test items one by one; scores by track take the
        mean of the probabilities of a track's test items.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    dataset, parts, probabilities = outcome.dataset, outcome.split, outcome.probabilities
    items = dataset.items.iloc[parts.test]
    true, predicted = dataset.y[parts.test], probabilities.argmax(axis=1)
    track_ids, track_probabilities = evaluation.by_track(probabilities, items["track_id"])
    in_top3 = (np.argsort(-probabilities, axis=1, kind="stable")[:, :3] == true[:, None]).any(axis=1)
    by_track = pd.DataFrame({"true": true, "correct": predicted == true, "top3": in_top3}).groupby(items["track_id"].to_numpy(dtype=str))
    track_true, track_predicted = by_track["true"].first().to_numpy(), track_probabilities.argmax(axis=1)
    counts = confusion_matrix(true, predicted, labels=range(len(dataset.genres)))
    certainty = pd.Series(evaluation.certainty(probabilities)).groupby(true).mean()
    return {
        "paper": outcome.experiment.paper,
        "experiment": outcome.experiment.id,
        "profile": str(outcome.profile),
        "protocol": parts.protocol,
        "seed": outcome.seed,
        "fold": outcome.fold,
        "corpus": {
            "name": dataset.corpus.name,
            "digest": dataset.corpus.digest,
            "n_clips": len(dataset.corpus),
            "excluded": dataset.corpus.excluded["reason"].to_dict(),
        },
        "feature": dataset.feature,
        "reductions": list(dataset.reductions),
        "genres": list(dataset.genres),
        "split": {
            "digest": parts.digest(dataset.items),
            "n_items": {part: len(getattr(parts, part)) for part in (*PARTS, "left_out")},
            "n_tracks": {part: dataset.items["track_id"].iloc[getattr(parts, part)].nunique() for part in (*PARTS, "left_out")},
        },
        "model": {"name": getattr(outcome.model, "name", type(outcome.model).__name__), "parameters": outcome.n_parameters},
        "training": asdict(outcome.training) if outcome.training else None,
        "history": {name: np.round(values, 5).tolist() for name, values in outcome.history.items()},
        "best_epoch": outcome.best_epoch,
        "scores": {
            "segment": {"accuracy": float((predicted == true).mean()), "loss": outcome.test_loss, "confusion": counts.tolist()},
            "track": {
                "accuracy": float((track_predicted == track_true).mean()),
                "confusion": confusion_matrix(track_true, track_predicted, labels=range(len(dataset.genres))).tolist(),
            },
        },
        "by_genre": evaluation.scores_by_genre(counts, dataset.genres)[["precision", "recall", "f1"]].round(5).to_dict("index"),
        "certainty": {dataset.genres[genre]: round(float(value), 4) for genre, value in certainty.items()},
        "tracks": {
            "track_id": track_ids.tolist(),
            "true": track_true.tolist(),
            "predicted": track_predicted.tolist(),
            "segments": by_track.size().tolist(),
            "correct": by_track["correct"].sum().tolist(),
            "in_top3": by_track["top3"].sum().tolist(),
        },
        "measurements": outcome.experiment.measure(outcome) if outcome.experiment.measure else {},
        "wall_time_s": round(outcome.wall_time_s, 1),
        "device": _device(),
        "versions": _versions(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if ARITHMETIC.fullmatch(name)},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@dataclass(frozen=True)
class Job:
    """One run to do: an experiment under a protocol, with a seed and, for ``artists``, a fold."""

    experiment: Experiment
    protocol: str
    seed: int
    fold: int = 1

    def __str__(self) -> str:
        fold = f" fold {self.fold}" if self.protocol == "artists" else ""
        return f"{self.experiment.paper} {self.experiment.id} {self.protocol}{fold} seed {self.seed}"

    def path(self, folder: Path, profile: Profile) -> Path:
        """Return the file that holds, or will hold, its record."""
        experiment = self.experiment
        return path_of(folder, experiment.paper, experiment.id, self.protocol, seed=self.seed, fold=self.fold, profile=profile)

    def recorded(self, folder: Path, profile: Profile) -> dict | None:
        """Return its record, or None where there is none yet.

        Raises
        ------
        DataError
            If the experiment has other training settings now than when the record was made.
        """
        path = self.path(folder, profile)
        if not path.exists():
            return None
        found = read_record(path)
        if problem := _other_training(found, self.experiment):
            raise DataError(f"{path}: {problem}; make it again (--force), or write to another folder (--results)")
        return found


def plan(experiments: Iterable[Experiment], *, protocols: Iterable[str] | None = None, seeds: int | None = None) -> list[Job]:
    """List the runs of a replication: one seed of everything first, then the next seed.

    Parameters
    ----------
    experiments : iterable of Experiment
        What to run.
    protocols : iterable of str, optional
        Only these of the rungs that each experiment names.
    seeds : int, optional
        Seeds 0 to ``seeds - 1``; else as many as each experiment asks for. The protocol ``artists`` is run on each of its three folds.

    Raises
    ------
    SettingsError
        If a protocol is unknown, or none of the experiments names it.
    """
    experiments, protocols = list(experiments), list(protocols or PROTOCOLS)
    for name in protocols:
        if name not in PROTOCOLS:
            raise SettingsError(f"unknown protocol {name!r}; use one of {', '.join(PROTOCOLS)}")
    jobs = [
        Job(experiment, protocol, seed, fold)
        for experiment in experiments
        for seed in range(seeds or experiment.seeds)
        for protocol in experiment.protocols
        if protocol in protocols
        for fold in ((1, 2, 3) if protocol == "artists" else (1,))
    ]
    if not jobs:
        raise SettingsError(f"none of the experiments is run under {' or '.join(protocols)}; each has its own rungs of the leak ladder")
    return sorted(jobs, key=lambda job: job.seed)


def path_of(folder: Path, paper: str, experiment: str, protocol: str, *, seed: int, fold: int, profile: str) -> Path:
    """Return the file that holds, or will hold, the record of a run."""
    rung = f"{protocol}-{fold}" if protocol == "artists" else protocol
    return folder / paper / f"{experiment}.{profile}.{rung}.seed{seed}.json"


def replicate(
    experiment: Experiment,
    load: Callable[[], Dataset],
    protocol: str,
    *,
    seed: int = 0,
    fold: int = 1,
    profile: Profile,
    folder: Path,
    force: bool = False,
    on_epoch: Callable[[int, dict], None] | None = None,
) -> tuple[dict, bool]:
    """Run an experiment and write its record, unless the record is there already.

    A run that was stopped goes on from its last epoch.

    Parameters
    ----------
    experiment : Experiment
        What to run.
    load : callable
        Gives the data set; called only where there is something to run.
    protocol, seed, fold, profile
        See :func:`musicgenre.experiments.run`.
    folder : Path
        Where records are kept, in a folder a paper.
    force : bool
        Run again and replace the record.
    on_epoch : callable, optional
        See :func:`musicgenre.experiments.training.fit`.

    Returns
    -------
    tuple
        The record, and whether it was made now.

    Raises
    ------
    SettingsError
        If no record can be written there; nothing is trained then.
    DataError
        If there is a record of this run with other training settings than the experiment has now.
    DivergenceError
        If the training diverges; there is no record then.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    job = Job(experiment, protocol, seed, fold)
    path = job.path(folder, profile)
    if not force and (found := job.recorded(folder, profile)):
        return found, False
    _make_writable(path.parent)
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]  # records in two folders are two runs
    checkpoint = settings.cache_folder() / "checkpoints" / f"{path.parent.name}.{path.stem}.{place}.npz"
    outcome = run(experiment, load(), protocol, seed=seed, fold=fold, profile=profile, checkpoint=checkpoint, on_epoch=on_epoch)
    made = record(outcome)
    write_record(path, made)
    checkpoint.unlink(missing_ok=True)
    return made, True


def _make_writable(folder: Path) -> None:
    """Make a folder, and try it before hours are spent on what shall be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(f"{folder}: no record can be written there ({error.strerror}); name another folder (--results)") from None


def write_record(path: Path, made: dict) -> None:
    """Check a record against the schema and write it, at once or not at all."""
    _check(made, path)
    with atomic.write(path) as partial:
        partial.write_text(_compact(made))


def read_record(path: Path) -> dict:
    """Read one record.

    Raises
    ------
    DataError
        If the file is no record; the message names the place in it that is wrong.
    """
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); delete it and run the experiment again") from None
    _check(found, path)
    return found


def read_records(folder: str | Path | None = None, paper: str | None = None) -> pd.DataFrame:
    """Read all records of a folder, or of one paper.

    Returns
    -------
    pandas.DataFrame
        One row a record: ``paper``, ``experiment``, ``profile``, ``protocol``, ``seed``, ``fold``, ``accuracy`` (by segment),
        ``track_accuracy``, ``loss``, ``best_epoch``, ``parameters``, ``wall_time_s``, ``file`` and the whole ``record``.

    Raises
    ------
    DataError
        If a file is no record or has the name of another run, or if records that would be averaged were made from different things.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    folder = Path(folder or results_folder())
    rows = []
    for file in sorted(folder.glob(f"{paper or '*'}/*.json")):
        found = read_record(file)
        row = {key: found[key] for key in ("paper", "experiment", "profile", "protocol", "seed", "fold")}
        if file != (own := path_of(folder, **row)):
            raise DataError(f"{file}: it holds the run of {own.relative_to(folder)}, and would count twice; rename or delete it")
        row["accuracy"] = found["scores"]["segment"]["accuracy"]
        row["track_accuracy"] = found["scores"]["track"]["accuracy"]
        row |= {"loss": found["scores"]["segment"]["loss"], "best_epoch": found["best_epoch"], "parameters": found["model"]["parameters"]}
        row |= {"wall_time_s": found["wall_time_s"], "file": file.relative_to(folder).as_posix(), "record": found}
        rows.append(row)
    columns = ["paper", "experiment", "profile", "protocol", "seed", "fold", "accuracy", "track_accuracy", "loss", "best_epoch"]
    records = pd.DataFrame(rows, columns=[*columns, "parameters", "wall_time_s", "file", "record"])
    _refuse_mixtures(records)
    return records


def _refuse_mixtures(records: pd.DataFrame) -> None:
    """Refuse runs of one experiment that differ in clips, features, model or training, and those of one paper on different backends."""
    made = records["record"]
    data = made.map(lambda one: (one["corpus"]["digest"], one["feature"]["digest"]))
    trained = made.map(lambda one: json.dumps([one["model"], one["training"]], sort_keys=True))
    backend = made.map(lambda one: one["versions"]["backend"])
    experiment = ["paper", "experiment", "profile"]
    for what, made_from, keys in (
        ("clips or features", data, experiment),
        ("models or training settings", trained, experiment),
        ("backends", backend, ["paper", "profile"]),
    ):
        first = made_from.groupby([records[key] for key in keys]).transform("first")
        for odd in records.index[made_from != first][:1]:
            alike = (records[keys] == records.loc[odd, keys]).all(axis=1)
            files = f"{records.loc[alike, 'file'].iloc[0]} and {records.at[odd, 'file']}"
            raise DataError(
                f"{files} are of different {what} and cannot stand in one table; "
                "make both again (--force), or keep one in another folder (--results)"
            )


def accuracy(found: Iterable[dict], *, by: str = "segment") -> tuple[float, float, float]:
    """Compute the mean accuracy of runs, and the interval of one more run.

    Parameters
    ----------
    found : iterable of dict
        Records of one experiment under one protocol.
    by : {"segment", "track", "top3"}
        Which accuracy; ``top3`` counts segments whose genre is among the first three.

    Returns
    -------
    tuple of float
        Mean, lower and upper end, as fractions; see :func:`musicgenre.evaluation.run_interval`.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    if by not in ("segment", "track", "top3"):
        raise SettingsError(f"by={by!r}; use segment, track or top3")
    found = list(found)
    tracks = [made["tracks"] for made in found]
    if by == "track":
        correct = [np.equal(t["true"], t["predicted"]) for t in tracks]
        counts = [np.ones(len(t["true"])) for t in tracks]
    else:
        correct, counts = ([np.array(t[name]) for t in tracks] for name in ("in_top3" if by == "top3" else "correct", "segments"))
    mean = np.mean([right.sum() / n.sum() for right, n in zip(correct, counts, strict=True)])
    drawn = "segments" if by != "track" and found[0]["protocol"] == "as_published" else "tracks"
    return float(mean), *evaluation.run_interval(correct, counts, n_test_sets=_n_test_sets(found), drawn=drawn)


def pairs(found_a: Iterable[dict], found_b: Iterable[dict]) -> list[tuple[dict, dict]]:
    """Pair the runs of two experiments: same seed, same fold.

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    other = {(made["seed"], made["fold"]): made for made in found_b}
    return [(made, other[key]) for made in found_a if (key := (made["seed"], made["fold"])) in other]


def difference(paired: list[tuple[dict, dict]]) -> tuple[float, float, float]:
    """Compute the mean difference of accuracy by segment between two experiments, and the interval of one more pair of runs.

    Parameters
    ----------
    paired : list of tuple of dict
        As :func:`pairs` gives them; the two runs of a pair were tested on the same segments.

    Returns
    -------
    tuple of float
        Mean, lower and upper end, as fractions; see :func:`musicgenre.evaluation.difference_interval`.

    Raises
    ------
    DataError
        If two runs of a pair were tested on different tracks or numbers of segments.

    Notes
    -----
    Taught in the notebook ``07_schaldenbrand_he_2019``.
    """
    for a, b in paired:
        if any(a["tracks"][name] != b["tracks"][name] for name in ("track_id", "segments")):
            names = f"{a['experiment']} and {b['experiment']}"
            raise DataError(f"{names}, seed {a['seed']}: the two runs were tested on different segments; take runs on one split")
    gains = [np.subtract(a["tracks"]["correct"], b["tracks"]["correct"]) for a, b in paired]
    counts = [np.array(a["tracks"]["segments"]) for a, _ in paired]
    mean = np.mean([gain.sum() / n.sum() for gain, n in zip(gains, counts, strict=True)])
    return float(mean), *evaluation.difference_interval(gains, counts, n_test_sets=_n_test_sets(a for a, _ in paired))


def _n_test_sets(found: Iterable[dict]) -> int:
    return len({(*made["tracks"]["track_id"], *made["tracks"]["segments"]) for made in found})


def never_began(made: dict) -> bool:
    """Say whether a training never began to learn: its model gives all test items one and the same genre.

    Parameters
    ----------
    made : dict
        A record. Of a system that is not trained in epochs, such as the majority, the answer is no.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    return bool(made["history"]) and np.count_nonzero(np.sum(made["scores"]["segment"]["confusion"], axis=0)) == 1


def learned(records: pd.DataFrame) -> pd.DataFrame:
    """Leave out the runs that :func:`never_began` to learn; where none began, keep all.

    A mean of trainings that learned and of guesses would say nothing of either.

    Parameters
    ----------
    records : pandas.DataFrame
        As :func:`read_records` gives them, of one experiment under one protocol.

    Notes
    -----
    Taught in the notebook ``10_what_survives``.
    """
    began = ~records["record"].map(never_began).astype(bool)
    return records[began] if began.any() else records


def summarise(records: pd.DataFrame, *, by: str = "segment") -> pd.DataFrame:
    """Summarise runs of the same experiment, profile and protocol over seeds and folds.

    Parameters
    ----------
    records : pandas.DataFrame
        As :func:`read_records` gives them.
    by : {"segment", "track"}
        Which accuracy.

    Returns
    -------
    pandas.DataFrame
        Index ``paper``, ``experiment``, ``profile``, ``protocol``; columns ``mean``, ``sd``, ``low``, ``high`` (95 % interval of one
        run, see :func:`musicgenre.evaluation.run_interval`) and ``runs`` of those that :func:`learned`; ``never_began`` (how many
        never did) and ``files`` (of all).

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    rows = {}
    for key, group in records.groupby(["paper", "experiment", "profile", "protocol"], sort=False):
        counted = learned(group)
        mean, low, high = accuracy(counted["record"], by=by)
        sd = counted[{"segment": "accuracy", "track": "track_accuracy"}[by]].std()  # NaN of one run
        rows[key] = [mean, sd, low, high, len(counted), sum(map(never_began, group["record"])), list(group["file"])]
    index = pd.MultiIndex.from_tuples(list(rows), names=["paper", "experiment", "profile", "protocol"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["mean", "sd", "low", "high", "runs", "never_began", "files"])


def verify(made: dict, dataset: Dataset | None = None, experiment: Experiment | None = None) -> list[str]:
    """Check a record against itself, and against the split it names; return what does not agree.

    Parameters
    ----------
    made : dict
        A record.
    dataset, experiment : optional
        With the experiment, its training settings are compared; with both, the split is drawn again and its digest compared.

    Returns
    -------
    list of str
        One sentence for each disagreement; empty where all is well.
    """
    problems = []
    tracks, scores = made["tracks"], made["scores"]
    segment, track = (np.array(scores[level]["confusion"]) for level in ("segment", "track"))
    if not np.array_equal(confusion_matrix(tracks["true"], tracks["predicted"], labels=range(len(made["genres"]))), track):
        problems.append("the confusion counts by track do not follow from the predictions by track")
    for level, counts in (("segment", segment), ("track", track)):
        if not np.isclose(np.trace(counts) / counts.sum(), scores[level]["accuracy"]):
            problems.append(f"the accuracy by {level} does not follow from its confusion counts")
    by_genre = evaluation.scores_by_genre(segment, made["genres"])[["precision", "recall", "f1"]]
    if not np.allclose(by_genre, pd.DataFrame(made["by_genre"]).T.loc[list(made["genres"])], atol=1e-4):
        problems.append("precision, recall or F1 do not follow from the confusion counts")
    if sum(tracks["segments"]) != segment.sum() or sum(tracks["correct"]) != np.trace(segment):
        problems.append("the segments by track do not add up to the confusion counts")
    if made["split"]["n_tracks"]["test"] != len(tracks["track_id"]):
        problems.append("the number of test tracks does not agree with the split")
    if experiment is not None and (other := _other_training(made, experiment)):
        problems.append(other)
    if dataset is not None and experiment is not None:
        dataset, parts = experiment.split(dataset, made["protocol"], seed=made["seed"], fold=made["fold"])
        if parts.digest(dataset.items) != made["split"]["digest"]:
            problems.append(f"the split is not the one that seed {made['seed']} gives for the protocol {made['protocol']}")
    return problems


def _other_training(made: dict, experiment: Experiment) -> str | None:
    """Say how the training of a record differs from that of the experiment as it is now; None where it does not."""
    training = experiment.training and asdict(experiment.training.for_profile(Profile(made["profile"])))
    return None if made["training"] == training else f"it was trained with {made['training']}, but the experiment now has {training}"


def _check(found: dict, path: Path) -> None:
    if problem := schemas.problem("runs.schema.json", found):
        place = "/".join(map(str, problem[0])) or "the record"
        raise DataError(f"{path}: no run record: {place}: {problem[1][:200]}")


def _compact(made: dict) -> str:
    """One line for each key, so that records are short and their differences readable."""
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, separators=(',', ':'), allow_nan=False)}" for key, value in made.items())
    return f"{{\n{lines}\n}}\n"


def _device() -> str:
    import keras

    if keras.config.backend() == "torch":  # Keras cannot list its devices
        import torch

        on_gpu = torch.cuda.is_available()
    else:
        on_gpu = any(device.startswith("gpu") for device in keras.distribution.list_devices())
    return f"{'GPU' if on_gpu else 'CPU'}, {os.cpu_count()} cores of {processor()}, {platform.system()} {platform.machine()}"


def processor() -> str:
    """Name the processor as exactly as the system tells: another one adds in another order, and then the last digits differ."""
    try:
        facts = dict(re.findall(r"^(model name|cpu family|model)\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
        return f"{facts['model name']} (family {facts['cpu family']}, model {facts['model']})"
    except (OSError, KeyError):
        return platform.processor() or "an unnamed processor"


def _versions() -> dict[str, str]:
    import keras

    packages = ["musicgenre", "keras", keras.config.backend(), "numpy", "scikit-learn", "librosa"]
    return {"python": platform.python_version(), "backend": keras.config.backend()} | {name: version(name) for name in packages}
