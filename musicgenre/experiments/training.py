"""Training: epochs with early stopping, the same on every backend, and able to go on after a kill."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from musicgenre import atomic
from musicgenre.errors import DataError, DivergenceError, SettingsError
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

    Raises
    ------
    SettingsError
        If ``keep`` or ``patience`` is none of these.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 0.001
    patience: int | None = None
    keep: Literal["best", "last"] = "best"
    smoke_epochs: int = 5

    def __post_init__(self):
        if self.keep not in ("best", "last"):
            raise SettingsError(f"keep={self.keep!r}; use best or last")
        if self.patience is not None and self.patience < 1:
            raise SettingsError(f"patience={self.patience}; use 1 or more, or None to train all epochs")

    def for_profile(self, profile: Profile) -> Training:
        """Return these settings, with fewer epochs in the profile ``smoke``."""
        return replace(self, epochs=min(self.epochs, self.smoke_epochs)) if profile is Profile.SMOKE else self


@dataclass
class Checkpoint:
    """A file that holds the state of a training after each epoch.

    Parameters
    ----------
    path : Path
        The file; the caller removes it when the run is recorded.
    made_from : str
        What the training depends on, hashed. A file that was made from anything else is not restored, and replaced.
    earlier_s : float
        Seconds that the epochs took that were restored from the file.
    """

    path: Path
    made_from: str = ""
    earlier_s: float = 0.0

    def save(self, state: list, history: dict, best: list[np.ndarray], seconds: float) -> None:
        """Write everything that the next epoch needs, at once or not at all."""
        import keras

        arrays = {f"state_{i}": keras.ops.convert_to_numpy(variable) for i, variable in enumerate(state)}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(best)}
        about = {"made_from": self.made_from, "history": history, "seconds": self.earlier_s + seconds}
        with atomic.write(self.path) as partial, open(partial, "wb") as file:
            np.savez(file, about=json.dumps(about), **arrays)

    def restore(self, state: list) -> tuple[dict, list[np.ndarray]] | None:
        """Set the state to that of the last epoch; return history and best weights, or None where there is nothing to go on from."""
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                about = json.loads(str(saved["about"]))
                if about["made_from"] != self.made_from:
                    warnings.warn(f"{self.path} is of a training on other items, settings or versions; this one starts anew", stacklevel=2)
                    return None
                for i, variable in enumerate(state):
                    variable.assign(saved[f"state_{i}"])
                self.earlier_s = about["seconds"]
                return about["history"], [saved[f"best_{i}"] for i in range(sum(name.startswith("best_") for name in saved.files))]
        except FileNotFoundError:
            return None
        except (EOFError, BadZipFile, KeyError, ValueError) as error:
            raise DataError(f"{self.path}: the checkpoint is damaged ({error}); delete it to train from the start") from None


def fit(
    model,
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
    training: Training,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
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
    checkpoint : Checkpoint, optional
        Where the state is kept after each epoch, and taken from if a training was stopped.
    on_epoch : callable, optional
        Called with the number of epochs done and their history after each epoch.

    Returns
    -------
    dict
        History: ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``, one value an epoch.

    Raises
    ------
    DataError
        If the checkpoint is damaged.
    DivergenceError
        If the loss becomes infinite or no number before there are weights to test. Later, where the best weights are kept,
        training ends with the epoch before.

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
    if checkpoint and (restored := checkpoint.restore(state)):
        history, best = restored
    started = time.perf_counter()
    for epoch in range(len(history["loss"]), training.epochs):
        if training.patience and epoch - best_epoch(history) >= training.patience:
            break
        order = np.random.default_rng([seed, epoch]).permutation(len(x))
        logs = model.fit(x[order], y[order], batch_size=training.batch_size, shuffle=False, validation_data=valid, verbose=0).history
        if not np.isfinite([logs[name][0] for name in history]).all():
            if training.keep == "best" and epoch > 0:
                break
            raise DivergenceError(f"the training diverged in epoch {epoch + 1} (no finite loss); lower the learning rate")
        for name, values in history.items():
            values.append(float(logs[name][0]))
        if best_epoch(history) == epoch + 1:
            best = model.get_weights()
        if checkpoint:
            checkpoint.save(state, history, best, time.perf_counter() - started)
        if on_epoch:
            on_epoch(epoch + 1, history)
    if training.keep == "best":
        model.set_weights(best)
    return history


def best_epoch(history: dict[str, list[float]]) -> int:
    """Return the epoch with the lowest validation loss, counted from 1; 0 where there is none yet."""
    return int(np.argmin(history["val_loss"])) + 1 if history["val_loss"] else 0
