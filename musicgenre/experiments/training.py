"""Training: epochs with early stopping, the same on every backend, and able to go on after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musicgenre.settings import Profile

STEPS_PER_EXECUTION = 64  # batches handed to the backend at once: the same numbers, in half the time for small models


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a Keras model is trained.

    Parameters
    ----------
    epochs : int
        The most epochs.
    batch_size : int
        Items in a batch.
    learning_rate : float
        Of the Adam optimiser.
    patience : int or None
        Early stopping: end after this many epochs without a lower validation loss. None: train all epochs.
    keep : {"best", "last"}
        Which weights are tested: those of the epoch with the lowest validation loss, or the last.
    smoke_epochs : int
        The most epochs in the profile ``smoke``.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 0.001
    patience: int | None = None
    keep: str = "best"
    smoke_epochs: int = 5

    def for_profile(self, profile: Profile) -> Training:
        """Return these settings, with fewer epochs in the profile ``smoke``."""
        return replace(self, epochs=min(self.epochs, self.smoke_epochs)) if profile is Profile.SMOKE else self


def fit(
    model,
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
    training: Training,
    *,
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int, dict], None] | None = None,
) -> dict[str, list[float]]:
    """Train a Keras model in place and leave it with the weights to be tested.

    The order of the items in each epoch depends on the seed and the epoch alone, so that a training that was stopped and
    goes on from its checkpoint gives what it would have given in one go.

    Parameters
    ----------
    model : keras.Model
        Gives one probability a class.
    train, valid : tuple of numpy.ndarray
        Items and their class numbers. The validation part is for curves and for the choice of the epoch; the test part is
        never seen here.
    training : Training
        Settings.
    seed : int
        Seed of the order of the items; seed the model before it is built.
    checkpoint : Path, optional
        File that holds the state after each epoch; removed by the caller when the run is recorded.
    on_epoch : callable, optional
        Called with the number of epochs done and their history after each epoch.

    Returns
    -------
    dict
        History: ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``, one value an epoch.

    Notes
    -----
    Taught in the notebook ``04_demarco_2024``.
    """
    import keras

    x, y = train
    model.compile(
        keras.optimizers.Adam(training.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=1 if keras.config.backend() == "torch" else STEPS_PER_EXECUTION,  # PyTorch takes one at a time
    )
    model.optimizer.build(model.trainable_variables)
    state = model.variables + model.optimizer.variables
    history: dict[str, list[float]] = {"accuracy": [], "loss": [], "val_accuracy": [], "val_loss": []}
    best = model.get_weights()
    if checkpoint and checkpoint.exists():
        history, best = _restore(checkpoint, state)
    for epoch in range(len(history["loss"]), training.epochs):
        if training.patience and epoch - best_epoch(history) >= training.patience:
            break
        order = np.random.default_rng([seed, epoch]).permutation(len(x))
        logs = model.fit(x[order], y[order], batch_size=training.batch_size, shuffle=False, validation_data=valid, verbose=0).history
        for name, values in history.items():
            values.append(float(logs[name][0]))
        if best_epoch(history) == epoch + 1:
            best = model.get_weights()
        if checkpoint:
            _save(checkpoint, state, history, best)
        if on_epoch:
            on_epoch(epoch + 1, history)
    if training.keep == "best":
        model.set_weights(best)
    return history


def best_epoch(history: dict[str, list[float]]) -> int:
    """Return the epoch with the lowest validation loss, counted from 1; 0 where there is none yet."""
    return int(np.argmin(history["val_loss"])) + 1 if history["val_loss"] else 0


def _save(checkpoint: Path, state: list, history: dict, best: list[np.ndarray]) -> None:
    """Write everything that the next epoch needs into one file, at once or not at all."""
    import keras

    arrays = {f"state_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(state)}
    arrays |= {f"best_{i}": weight for i, weight in enumerate(best)}
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(f".{os.getpid()}.partial")
    with open(partial, "wb") as file:
        np.savez(file, history=json.dumps(history), **arrays)
    os.replace(partial, checkpoint)


def _restore(checkpoint: Path, state: list) -> tuple[dict, list[np.ndarray]]:
    with np.load(checkpoint, allow_pickle=False) as saved:
        for i, variable in enumerate(state):
            variable.assign(saved[f"state_{i}"])
        best = [saved[f"best_{i}"] for i in range(sum(name.startswith("best_") for name in saved.files))]
        return json.loads(str(saved["history"])), best
