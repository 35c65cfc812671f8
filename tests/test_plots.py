"""Figures that several chapters share: what they draw is what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from musicgenre.plots import results

RUNGS = ("tracks", "fault_filtered")


@pytest.fixture(autouse=True)
def closed():
    """No figure stays open."""
    yield
    plt.close("all")


def accuracies() -> pd.DataFrame:
    """Two systems on two rungs, with their intervals; the second was not run on the second rung."""
    columns = pd.MultiIndex.from_product([RUNGS, ["mean", "low", "high"]])
    return pd.DataFrame([[0.7, 0.6, 0.9, 0.4, 0.35, 0.5], [0.5, 0.4, 0.6, *[np.nan] * 3]], ["lstm", "mlp"], columns)


def drawn(container) -> dict[str, list]:
    """Means and ends of the error bars of a system."""
    line, _, (bars,) = container.lines
    ends = np.array([segment[:, 1] for segment in bars.get_segments() if len(segment)])
    return {"mean": list(line.get_ydata()), "low": list(ends[:, 0]), "high": list(ends[:, 1])}


def test_confusions_stand_in_the_row_of_the_true_genre():
    axis = results.confusion(np.array([[3, 1], [0, 4]]), ["blues", "jazz"]).axes[0]
    assert {text.get_position(): text.get_text() for text in axis.texts} == {(0, 0): "3", (1, 0): "1", (1, 1): "4"}
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted genre", "true genre")


def test_a_ladder_has_each_mean_between_the_ends_of_its_interval():
    axis = results.ladder(accuracies(), reference={"lstm": 0.93, "mlp": np.nan}, ceiling=0.9).axes[0]
    lstm, mlp = (drawn(container) for container in axis.containers)
    assert lstm["mean"] == [0.7, 0.4] and np.allclose(lstm["low"], [0.6, 0.35]) and np.allclose(lstm["high"], [0.9, 0.5])
    assert mlp["mean"][0] == 0.5 and np.isnan(mlp["mean"][1])
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["tracks", "fault filtered"]
    assert [line.get_ydata()[0] for line in axis.lines if line.get_marker() == "*"] == [0.93]
    assert {text.get_text(): text.get_position()[1] for text in axis.texts} == {"chance": 0.1, "label ceiling": 0.9}


def test_training_is_solid_validation_dashed_and_the_best_epoch_a_star_on_it():
    history = {"loss": [2.0, 1.0, 0.5], "val_loss": [2.1, 1.4, 1.6], "accuracy": [0.2, 0.5, 0.9], "val_accuracy": [0.1, 0.4, 0.3]}
    figure = results.curves({"lstm": history}, best_epochs={"lstm": 2})
    for axis, metric in zip(figure.axes, ("loss", "accuracy"), strict=True):
        training, validation, best = axis.lines
        assert (training.get_linestyle(), list(training.get_ydata())) == ("-", history[metric])
        assert (validation.get_linestyle(), list(validation.get_ydata())) == ("--", history[f"val_{metric}"])
        assert (list(best.get_xdata()), list(best.get_ydata())) == ([2], [history[f"val_{metric}"][1]])
