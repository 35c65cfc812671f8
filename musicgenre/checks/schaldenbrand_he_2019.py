"""Checks of the claims of Schaldenbrand & He. Taught in the notebook ``07_schaldenbrand_he_2019``."""

from functools import cache

import numpy as np
import pandas as pd

from musicgenre import experiments, papers
from musicgenre.judgements import Judgement, Verdict, listed, measure, measure_difference, of_experiment

PAPER = "schaldenbrand_he_2019"
INPUT_SHAPE, N_GENRES = (1200, 128), 8
LOW_LOSS = 0.5  # counts as "extremely low"


def _histories(records: pd.DataFrame, name: str) -> list[dict]:
    return [made["history"] for made in of_experiment(records, PAPER, name)]


def _slope(values: list[float]) -> float:
    """Slope of the straight line that fits best; 0 where there are too few values for one."""
    return float(np.polyfit(range(len(values)), values, 1)[0]) if len(values) > 1 else 0.0


def first_layer_parameters(records: pd.DataFrame) -> Judgement:
    """C2: the first convolutions have 49,280 and 6,272 parameters. Counted on the models as built; no run is needed."""
    printed = papers.read(PAPER).numbers_in_text.query("unit == 'parameters'").set_index("experiment")["value"]
    built = {name: _parameters_of_first_layer(name, INPUT_SHAPE) for name in printed.index}
    right = all(built[name] == count for name, count in printed.items())
    return Judgement(Verdict.REPRODUCED if right else Verdict.NOT, f"first layer as built: {listed(built, ',')}")


@cache  # every table of claims asks for it
def _parameters_of_first_layer(experiment: str, input_shape: tuple[int, int]) -> int:
    layers = experiments.get(PAPER, experiment).build(input_shape, N_GENRES).layers
    return next(layer.count_params() for layer in layers if layer.count_params())


def all_models_overfit(records: pd.DataFrame) -> Judgement:
    """C3: in all five models, in the mean, the last training loss is below 0.5 and the validation loss rises after its minimum."""
    overfits, found = [], []
    for name in papers.read(PAPER).results["experiment"].unique():
        histories = _histories(records, name)
        loss = np.mean([history["loss"][-1] for history in histories])
        rise = np.mean([_slope(history["val_loss"][experiments.best_epoch(history) :]) for history in histories])
        overfits.append(loss < LOW_LOSS and rise > 0)
        found.append(f"{name} {loss:.2f}, {rise:+.3f}")
    return Judgement(
        Verdict.REPRODUCED if all(overfits) else Verdict.NOT,
        f"last training loss, and slope of the validation loss after its minimum, an epoch: {'; '.join(found)}",
    )


def minimum_of_validation_loss(records: pd.DataFrame) -> Judgement:
    """C4: 2D reaches a lower minimum than 1D, after half to one and a half times as many epochs; partly if it is only lower."""
    minimum, epoch = {}, {}
    for name in ("ghosal_lstm", "conv2d_lstm"):
        curves = [np.array(history["val_loss"]) for history in _histories(records, name)]
        minimum[name] = float(np.mean([curve.min() for curve in curves]))
        epoch[name] = float(np.median([curve.argmin() + 1 for curve in curves]))
    deeper = minimum["conv2d_lstm"] < minimum["ghosal_lstm"]
    as_soon = 0.5 <= epoch["conv2d_lstm"] / epoch["ghosal_lstm"] <= 1.5
    verdict = Verdict.REPRODUCED if deeper and as_soon else Verdict.PARTLY if deeper else Verdict.NOT
    found = ", ".join(f"{name} {minimum[name]:.3f} at epoch {epoch[name]:g}" for name in minimum)
    return Judgement(verdict, f"lowest validation loss: {found}")


def low_validation_accuracy(records: pd.DataFrame) -> Judgement:
    """C7: validation accuracy of dieleman_spotify lies below that of dieleman by more than 1.96 sd; partly if it is only lower."""
    gain = measure_difference(of_experiment(records, PAPER, "dieleman_spotify"), of_experiment(records, PAPER, "dieleman"), "val_accuracy")
    points = f"{100 * gain.mean:+.1f} points ({gain.interval_in_points}, {gain.pairs})"
    found = f"validation accuracy of dieleman_spotify less that of dieleman: {points}"
    if np.isnan(gain.high):
        return Judgement(Verdict.NOT_RUN, found)
    return Judgement(Verdict.REPRODUCED if gain.high < 0 else Verdict.PARTLY if gain.mean < 0 else Verdict.NOT, found)


def lower_test_loss(records: pd.DataFrame) -> Judgement:
    """C12: the mean test loss of conv2d_lstm is below that of ghosal_lstm, on runs with the same seeds."""
    fall = measure_difference(of_experiment(records, PAPER, "conv2d_lstm"), of_experiment(records, PAPER, "ghosal_lstm"), "loss")
    found = f"test loss of conv2d_lstm less that of ghosal_lstm: {fall.mean:+.3f} ({fall.pairs})"
    return Judgement(Verdict.REPRODUCED if fall.mean < 0 else Verdict.NOT, found)


def lowest_test_loss(records: pd.DataFrame) -> Judgement:
    """C13: of the three 1D models ghosal_lstm has the lowest mean test loss."""
    found = {name: of_experiment(records, PAPER, name) for name in ("ghosal_lstm", "ghosal", "dieleman")}
    loss = {name: measure(made, "loss").mean for name, made in found.items()}
    verdict = Verdict.REPRODUCED if min(loss, key=loss.get) == "ghosal_lstm" else Verdict.NOT
    return Judgement(verdict, f"mean test loss: {listed(loss, '.3f')}")
