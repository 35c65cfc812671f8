"""Checks of the claims of DeMarco, Martz & Ta. Taught in the notebook ``04_demarco_2024``."""

import numpy as np
import pandas as pd
from scipy import stats

from musicgenre import papers
from musicgenre.judgements import Judgement, Verdict, by_genre, listed, measure, of_experiment

PAPER = "demarco_2024"


def longer_slices_overfit(records: pd.DataFrame) -> Judgement:
    """C3: training accuracy lies above the 95 % interval of test accuracy, on 6-s and on 9-s slices."""
    trained, tested = {}, {}
    for name in ("lstm_6s", "lstm_9s"):
        found = of_experiment(records, PAPER, name)
        trained[name], tested[name] = measure(found, "train_accuracy").mean, measure(found)
    above = all(trained[name] > tested[name].high for name in tested)
    text = "; ".join(f"{name} {trained[name]:.1%}, test {tested[name]}" for name in tested)
    return Judgement(Verdict.REPRODUCED if above else Verdict.NOT, f"training {text}")


def certainty_follows_recall(records: pd.DataFrame) -> Judgement:
    """C4: over the genres certainty and recall rank alike, and disco is the outlier: its recall ranks furthest above its certainty."""
    found = of_experiment(records, PAPER, "mlp_30s")
    table = pd.DataFrame({key: by_genre(found, key).mean() for key in ("certainty", "recall")}).rank()
    rho, p = stats.spearmanr(table["certainty"], table["recall"])
    outlier = (table["recall"] - table["certainty"]).idxmax()
    follows = rho > 0 and p < 0.05
    verdict = Verdict.REPRODUCED if follows and outlier == "disco" else Verdict.PARTLY if follows else Verdict.NOT
    return Judgement(verdict, f"Spearman's rank correlation {rho:.2f} (p = {p:.3f}); recall furthest above certainty: {outlier}")


def most_certain_genres(records: pd.DataFrame) -> Judgement:
    """C13: classical, metal and pop have the three highest certainties, and recalls in the upper half."""
    return _extreme_genres(records, {"classical", "metal", "pop"}, highest=True)


def least_certain_genres(records: pd.DataFrame) -> Judgement:
    """C7: blues and rock have the two lowest certainties, and recalls in the lower half."""
    return _extreme_genres(records, {"blues", "rock"}, highest=False)


def _extreme_genres(records: pd.DataFrame, named: set[str], *, highest: bool) -> Judgement:
    """Judge whether the named genres come first by certainty, and are in the first half by recall; partly if one of the two holds."""
    found = of_experiment(records, PAPER, "mlp_30s")
    certainty, recall = (by_genre(found, metric).mean().sort_values(ascending=not highest) for metric in ("certainty", "recall"))
    holds = [set(certainty.index[: len(named)]) == named, named <= set(recall.index[:5])]
    verdict = Verdict.REPRODUCED if all(holds) else Verdict.PARTLY if any(holds) else Verdict.NOT
    end = "highest" if highest else "lowest"
    return Judgement(verdict, f"{end} certainties: {listed(certainty[: len(named)], '.2f')}; {end} recalls: {listed(recall[:5], '.1%')}")


def spectral_centroid_by_genre(records: pd.DataFrame) -> Judgement:
    """C6: classical has the highest mean spectral centroid, metal the lowest; measured on all clips."""
    measured = of_experiment(records, PAPER, "mlp_30s")[0]["measurements"]["spectral_centroid_hz"]
    order = pd.Series(measured).sort_values(ascending=False)
    right = order.index[0] == "classical" and order.index[-1] == "metal"
    places = {genre: list(order.index).index(genre) + 1 for genre in ("classical", "metal")}
    text = (
        f"classical {order['classical']:.0f} Hz (rank {places['classical']} of 10), metal {order['metal']:.0f} Hz (rank {places['metal']})"
    )
    return Judgement(Verdict.REPRODUCED if right else Verdict.NOT, f"{text}; 1 is the brightest")


def better_than_2002(records: pd.DataFrame) -> Judgement:
    """C8: the printed accuracies lie in the 95 % intervals of ours; both MLPs are above the 61 % of Tzanetakis and Cook."""
    printed = papers.read(PAPER).claims.at["C8", "values"]
    measured = {name: measure(of_experiment(records, PAPER, name)) for name in printed}
    inside = all(measured[name].low <= value <= measured[name].high for name, value in printed.items())
    above = all(value.mean > 0.61 for value in measured.values())
    return Judgement(Verdict.REPRODUCED if inside and above else Verdict.PARTLY if above else Verdict.NOT, listed(measured))


def top_three(records: pd.DataFrame) -> Judgement:
    """C9: 0.78 lies in the 95 % interval of the share of slices whose genre is among the three most probable."""
    measured = measure(of_experiment(records, PAPER, "mlp_3s"), "top3")
    return Judgement(Verdict.REPRODUCED if measured.low <= 0.78 <= measured.high else Verdict.NOT, f"mlp_3s {measured}")


def epochs_to_converge(records: pd.DataFrame) -> Judgement:
    """C10: the median first epoch within one point of the best validation accuracy lies in 20 to 40 for each LSTM."""
    medians = {}
    for name in ("lstm_3s", "lstm_6s", "lstm_9s"):
        curves = [np.array(made["history"]["val_accuracy"]) for made in of_experiment(records, PAPER, name)]
        medians[name] = float(np.median([int(np.argmax(curve >= curve.max() - 0.01)) + 1 for curve in curves]))
    verdict = Verdict.REPRODUCED if all(20 <= median <= 40 for median in medians.values()) else Verdict.NOT
    return Judgement(verdict, f"median epoch: {listed(medians, '.0f')}")
