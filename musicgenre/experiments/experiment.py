"""An experiment: one model of one paper, with its features, its segments and its training; and how it is run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np

from musicgenre.errors import DivergenceError
from musicgenre.experiments.dataset import Dataset
from musicgenre.experiments.training import Checkpoint, Training, best_epoch, fit
from musicgenre.settings import Profile
from musicgenre.splits import Split, split

BLOCK_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A system of a paper, ready to be run under any protocol.

    Parameters
    ----------
    paper, id : str
        Names as in the paper's YAML file.
    dataset : callable
        ``dataset(profile, data) -> Dataset``: the items, for a profile and a data folder.
    build : callable
        ``build(input_shape, n_genres)``: a Keras model. Where ``training`` is None,
        ``build(input_shape, n_genres, seed=seed)``: a scikit-learn classifier.
    training : Training or None
        How the Keras model is trained.
    valid_fraction, test_fraction : float
        Sizes of the parts where a protocol draws them.
    normalise : tuple of int or None
        Axes of an item whose positions are normalised each on its own (zero mean, unit variance over the training
        part); ``()`` for one mean and variance of all, None for no normalisation.
    prepare : callable, optional
        ``prepare(dataset, split, seed) -> (dataset, split)``: what is done to the items once the parts are known,
        such as augmentation of the training part.
    measure : callable, optional
        ``measure(outcome) -> dict``: what a claim needs beyond the scores; kept in the run record as ``measurements``.
    protocols : tuple of str
        The rungs of the leak ladder on which the replication runs it. The first is the paper's own: ``as_published``
        where it draws segments, ``tracks`` where an item is a whole clip.
    seeds : int
        Seeds that a whole replication takes on each rung.
    """

    paper: str
    id: str
    dataset: Callable[[Profile, Path | None], Dataset] = field(repr=False)
    build: Callable = field(repr=False)
    training: Training | None
    valid_fraction: float = 0.1
    test_fraction: float = 0.2
    normalise: tuple[int, ...] | None = (-1,)
    prepare: Callable[[Dataset, Split, int], tuple[Dataset, Split]] | None = field(default=None, repr=False)
    measure: Callable[[Outcome], dict] | None = field(default=None, repr=False)
    protocols: tuple[str, ...] = ("as_published", "tracks", "artists", "fault_filtered")
    seeds: int = 3

    def split(self, dataset: Dataset, protocol: str, *, seed: int = 0, fold: int = 1) -> tuple[Dataset, Split]:
        """Draw the parts and prepare the items for them.

        Returns
        -------
        tuple
            The items as they are trained on, and their parts.

        Raises
        ------
        LeakError
            If the parts share what the protocol keeps apart, before the preparation or after it.
        """
        fractions = {"valid_fraction": self.valid_fraction, "test_fraction": self.test_fraction}
        parts = split(dataset.items, protocol, seed=seed, fold=fold, **fractions)
        if self.prepare:
            dataset, parts = self.prepare(dataset, parts, seed)
            parts.guard(dataset.items)
        return dataset, parts


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run of an experiment gives, before anything is scored.

    Parameters
    ----------
    experiment, dataset, split, seed, fold, profile, training
        What was run; ``dataset`` and ``split`` as prepared, ``training`` as used in this profile.
    model
        The trained model; takes items as they are in ``dataset.x``.
    probabilities : numpy.ndarray
        One row a test item, in the order of ``split.test``, one column a genre; float64.
    history : dict
        Of :func:`musicgenre.experiments.training.fit`; empty for scikit-learn.
    n_parameters : int or None
        Parameters of the paper's model, as Keras counts them; None for scikit-learn.
    wall_time_s : float
        Preparation, training and testing; of a run that was stopped and went on, all of its parts.
    """

    experiment: Experiment
    dataset: Dataset
    split: Split
    seed: int
    fold: int
    profile: Profile
    training: Training | None
    model: object
    probabilities: np.ndarray
    history: dict[str, list[float]]
    n_parameters: int | None
    wall_time_s: float

    @property
    def test_loss(self) -> float:
        """Mean cross-entropy of the test items (natural logarithm)."""
        own = self.probabilities[np.arange(len(self.split.test)), self.dataset.y[self.split.test]]
        return float(-np.log(np.clip(own, 1e-7, 1)).mean())

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were tested, from 1; 0 for scikit-learn."""
        if self.training and self.training.keep == "last":
            return len(self.history["loss"])
        return best_epoch(self.history) if self.history else 0


def run(
    experiment: Experiment,
    dataset: Dataset,
    protocol: str,
    *,
    profile: Profile,
    seed: int = 0,
    fold: int = 1,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int, dict], None] | None = None,
) -> Outcome:
    """Split, normalise, train and test: one run of one experiment.

    Parameters
    ----------
    experiment : Experiment
        What to run.
    dataset : Dataset
        ``experiment.dataset(profile, data)``.
    protocol : str
        A rung of the leak ladder; see :mod:`musicgenre.splits`.
    profile : Profile
        Of the data set; ``smoke`` caps the number of epochs.
    seed : int
        Seeds the split, the weights, the order of the items and dropout.
    fold : int
        Artist fold that is tested, for the protocol ``artists``.
    checkpoint : Path, optional
        File of the :class:`musicgenre.experiments.training.Checkpoint`.
    on_epoch : callable, optional
        See :func:`musicgenre.experiments.training.fit`.

    Returns
    -------
    Outcome
        With the probabilities of the test items.

    Raises
    ------
    LeakError
        If the split shares what the protocol keeps apart; nothing is trained then.
    DivergenceError
        If the training diverges.

    Notes
    -----
    A Keras model is seeded by :func:`keras.utils.set_random_seed`, which also seeds Python's and NumPy's global generators.
    Taught in the notebook ``04_demarco_2024``.
    """
    started = time.perf_counter()
    dataset, parts = experiment.split(dataset, protocol, seed=seed, fold=fold)
    x, y = dataset.x, dataset.y
    training = experiment.training.for_profile(profile) if experiment.training else None
    earlier_s = 0.0
    if training:
        import keras

        keras.utils.set_random_seed(seed)
        core = experiment.build(x.shape[1:], len(dataset.genres))
        train, valid = ((x[part], y[part]) for part in (parts.train, parts.valid))
        model = with_normalisation(core, train[0], experiment.normalise)
        kept = Checkpoint(checkpoint, _made_from(experiment, dataset, parts, seed, training, core)) if checkpoint else None
        try:
            history = fit(model, train, valid, training, seed=seed, checkpoint=kept, on_epoch=on_epoch)
        except DivergenceError as error:
            raise DivergenceError(f"{experiment.paper} {experiment.id}: {error}") from None
        earlier_s = kept.earlier_s if kept else 0.0
        probabilities = model.predict(x[parts.test], batch_size=128, verbose=0)
        n_parameters = core.count_params()
    else:
        model = experiment.build(x.shape[1:], len(dataset.genres), seed=seed).fit(x[parts.train], y[parts.train])
        probabilities, history, n_parameters = np.zeros((len(parts.test), len(dataset.genres))), {}, None
        probabilities[:, model.classes_] = model.predict_proba(x[parts.test])  # a genre without training items has no column there
    if not np.isfinite(probabilities).all():
        raise DivergenceError(
            f"{experiment.paper} {experiment.id}: the training diverged (probabilities are not finite); lower the learning rate"
        )
    return Outcome(
        experiment=experiment, dataset=dataset, split=parts, seed=seed, fold=fold, profile=profile, training=training, model=model,
        probabilities=np.asarray(probabilities, dtype=np.float64), history=history, n_parameters=n_parameters,
        wall_time_s=earlier_s + time.perf_counter() - started,
    )  # fmt: skip


def _made_from(experiment: Experiment, dataset: Dataset, parts: Split, seed: int, training: Training, core) -> str:
    """Hash what a training depends on, so that none goes on from the state of another."""
    import keras

    items = (joblib.hash((dataset.x, dataset.y)), parts.digest(dataset.items))
    layers = [{key: value for key, value in layer.get_config().items() if key != "name"} for layer in core.layers]  # names count up
    settings = (seed, training, experiment.normalise, layers)
    versions = (keras.config.backend(), keras.__version__, version("musicgenre"))
    return hashlib.sha256(repr((items, settings, versions)).encode()).hexdigest()[:16]


def with_normalisation(core, x: np.ndarray, axes: tuple[int, ...] | None):
    """Put a normalisation layer, fitted on training items, before a Keras model.

    Parameters
    ----------
    core : keras.Model
        The paper's model.
    x : numpy.ndarray
        Training items, shape (n_items, …).
    axes : tuple of int or None
        See ``normalise`` of :class:`Experiment`.
    """
    import keras

    if axes is None:
        return core
    kept = tuple(sorted(axis % (x.ndim - 1) + 1 for axis in axes))
    others = tuple(axis for axis in range(x.ndim) if axis not in kept)
    mean = x.mean(axis=others, dtype=np.float64, keepdims=True)
    blocks = np.array_split(x, 1 + x.nbytes // BLOCK_BYTES)  # in float64 the whole would not fit beside x
    squares = sum(((block - mean) ** 2).sum(axis=others) for block in blocks)
    variance = squares / (x.size / mean.size)
    mean, variance = mean.squeeze(others), np.where(variance > 1e-12, variance, 1)  # what is constant is centred, not scaled
    inputs = keras.Input(x.shape[1:])
    layer = keras.layers.Normalization(axis=kept or None, mean=mean, variance=variance)
    return keras.Model(inputs, core(layer(inputs)), name=core.name)
