"""Checks of the claims and contradictions of Xu et al. Taught in the notebook ``08_xu_2024``."""

from functools import partial

import numpy as np
import pandas as pd

from musicgenre import papers, splits
from musicgenre.corpora import gtzan
from musicgenre.judgements import Judgement, Verdict, by_genre, listed, measure, of_experiment

PAPER = "xu_2024"
CLASSES = gtzan.GENRES  # 0 to 9, presumably


def _confusion(records: pd.DataFrame) -> pd.DataFrame:
    """Confusion counts of the VGG over its runs: rows are true genres."""
    found = of_experiment(records, PAPER, "vgg")
    counts = sum(np.array(made["scores"]["segment"]["confusion"]) for made in found)
    return pd.DataFrame(counts, index=found[0]["genres"], columns=found[0]["genres"])


def _recall(records: pd.DataFrame) -> pd.Series:
    return by_genre(of_experiment(records, PAPER, "vgg"), "recall").mean()


def learning_rate_and_batch_size(records: pd.DataFrame) -> Judgement:
    """C2: the validation accuracy is best with 0.001, and with batches of 64 at most a point below that with 16 or 256."""
    names = ("vgg", "vgg_learning_rate_0.01", "vgg_learning_rate_0.0001", "vgg_batch_size_16", "vgg_batch_size_256")
    best, high, low, small, large = (measure(of_experiment(records, PAPER, name), "val_accuracy").mean for name in names)
    rate, size = best > max(high, low), best >= max(small, large) - 0.01
    found = f"learning rate 0.01 {high:.1%}, 0.001 {best:.1%}, 0.0001 {low:.1%}; batch size 16 {small:.1%}, 64 {best:.1%}, 256 {large:.1%}"
    verdict = Verdict.REPRODUCED if rate and size else Verdict.PARTLY if rate or size else Verdict.NOT
    return Judgement(verdict, f"validation accuracy: {found}")


def classes_that_do_well(records: pd.DataFrame) -> Judgement:
    """C4: each of classes 0, 1, 3, 4, 5 and 8 has a higher mean recall than each of the others."""
    recall = _recall(records)
    well = [CLASSES[number] for number in (0, 1, 3, 4, 5, 8)]
    verdict = Verdict.REPRODUCED if recall[well].min() > recall.drop(well).max() else Verdict.NOT
    return Judgement(verdict, "recalls, highest first: " + listed(recall.sort_values(ascending=False), ".1%"))


def most_challenging_class(records: pd.DataFrame) -> Judgement:
    """C5: pop has the lowest recall, and is most often taken for country and jazz; partly where only one of the two holds."""
    recall, counts = _recall(records), _confusion(records).loc["pop"]
    taken_for = (counts / counts.sum()).drop("pop").sort_values(ascending=False, kind="stable")
    lowest, confused = recall.idxmin() == "pop", set(taken_for.index[:2]) == {"country", "jazz"}
    verdict = Verdict.REPRODUCED if lowest and confused else Verdict.PARTLY if lowest or confused else Verdict.NOT
    lowest_recall = f"{recall.idxmin()} {recall.min():.1%}"
    return Judgement(verdict, f"lowest recall: {lowest_recall}; pop {recall['pop']:.1%}, taken for {listed(taken_for[:3], '.1%')}")


#: X1, with the paper's numbers.
chance_of_no_sibling = partial(splits.chance_of_no_sibling, n_segments=14, n_train=10_000, n_items=14_000)


def shape_of_spectrogram(n_mels: int) -> tuple[int, int]:
    """X2: let librosa compute a segment with the printed settings; returns the mel bands and frames that come out."""
    import librosa

    printed = papers.read(PAPER).settings.set_index("setting")["value"]
    silence = np.zeros(printed["segment_s"] * 22050, dtype=np.float32)
    return librosa.feature.melspectrogram(y=silence, n_fft=printed["n_fft"], hop_length=printed["hop_length"], n_mels=n_mels).shape


def pop_in_the_other_papers() -> pd.DataFrame:
    """X6: look up the recall of pop in every table by genre of the other papers on GTZAN.

    Returns
    -------
    pandas.DataFrame
        Index ``paper``, ``experiment``; ``pop`` (recall, a fraction), ``place`` (1 is the lowest recall of the ten; equal ones share a
        place), ``lowest`` (the genre that has it).
    """
    rows = {}
    for paper in ("demarco_2024", "srivastava_2022"):
        results = papers.read(paper).results
        recalls = results[results["metric"] == "recall"].pivot(index="experiment", columns="genre", values="value")
        for experiment, recall in recalls.iterrows():
            place = int(recall.rank(method="min")["pop"])
            rows[paper, experiment] = {"pop": recall["pop"], "place": place, "lowest": recall.idxmin()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["paper", "experiment"])
