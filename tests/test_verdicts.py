"""The verdict rule, on records whose accuracies are chosen."""

from dataclasses import replace

import handmade
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgenre import judgements, papers, verdicts
from musicgenre.errors import DataError
from musicgenre.judgements import Missing, Verdict
from musicgenre.settings import Profile

PAPER = papers.read("demarco_2024")


def with_claim(claim_id: str, **changes) -> papers.Paper:
    """Change how a claim of the paper is judged."""
    claims = PAPER.claims.copy()
    for column, value in changes.items():
        claims.at[claim_id, column] = value
    return replace(PAPER, claims=claims)


BY_VALUE = with_claim("C8", judged_by="value", ranking=["mlp_30s", "mlp_3s"])  # 74 and 66 %
NEARLY_ALL = dict.fromkeys(("blues", "jazz", "rock"), 0.75)  # 37 of 40, 92.5 %
SLIGHTLY_LESS = dict.fromkeys(handmade.GENRES, 0.75) | {"blues": 0.5}  # 29 of 40, 72.5 %


def judge(tmp_path, claim: str, paper=PAPER, **right) -> judgements.Judgement:
    """Judge a claim from one run of each named experiment."""
    made = [handmade.record(name, share, paper=paper.id) for name, share in right.items()]
    return verdicts.judge(paper, claim, handmade.table(tmp_path, *made))


@pytest.mark.parametrize(
    ("mlp_30s", "mlp_3s", "verdict"),
    [
        (0.75, 0.75, Verdict.REPRODUCED),  # 74 and 66 in the intervals; a claim of values needs no ranking
        (0.75, SLIGHTLY_LESS, Verdict.REPRODUCED),
        (1.0, 0.5, Verdict.PARTLY),
        (0.5, 1.0, Verdict.NOT),
        (1.0, 1.0, Verdict.NOT),
    ],
)
def test_a_claim_of_values(tmp_path, mlp_30s, mlp_3s, verdict):
    judged = judge(tmp_path, "C8", BY_VALUE, mlp_30s=mlp_30s, mlp_3s=mlp_3s)
    assert judged.verdict == verdict
    assert judged.found.startswith("mlp_30s ") and judged.found.count("1 run)") == 2


@pytest.mark.parametrize(
    ("lstm_3s", "lstm_6s", "lstm_9s", "verdict"),
    [
        (NEARLY_ALL, 0.75, SLIGHTLY_LESS, Verdict.REPRODUCED),
        (NEARLY_ALL, SLIGHTLY_LESS, 0.75, Verdict.NOT),  # all numbers inside, but in another order
        (1.0, 0.5, 0.25, Verdict.PARTLY),
        (0.5, 0.5, 0.5, Verdict.NOT),
    ],
)
def test_a_claim_of_a_ranking_with_values(tmp_path, lstm_3s, lstm_6s, lstm_9s, verdict):
    assert judge(tmp_path, "C2", lstm_3s=lstm_3s, lstm_6s=lstm_6s, lstm_9s=lstm_9s).verdict == verdict


@pytest.mark.parametrize(
    ("best", "second", "verdict"), [(0.75, 0.5, Verdict.REPRODUCED), (0.5, 0.75, Verdict.NOT), (0.5, 0.5, Verdict.NOT)]
)
def test_a_claim_of_a_ranking_without_values(tmp_path, best, second, verdict):
    paper = papers.read("schaldenbrand_he_2019")
    accuracies = {"conv2d_lstm": best, "conv2d": 0.25, "ghosal_lstm": second, "ghosal": 0.25, "dieleman": 0.25}
    made = [handmade.record(name, accuracy, paper=paper.id, protocol="tracks") for name, accuracy in accuracies.items()]
    assert verdicts.judge(paper, "C9", handmade.table(tmp_path, *made)).verdict == verdict


def classical_precision(name: str, wrong: tuple[float, ...]) -> list[dict]:
    """Runs in which these shares of blues are taken for classical."""
    return [handmade.record(name, {"blues": 1 - share}, seed=seed) for seed, share in enumerate(wrong)]


@pytest.mark.parametrize(
    ("mlp_30s", "mlp_3s", "verdict"),
    [
        ((0.0, 0.0), (0.5, 0.25), Verdict.REPRODUCED),  # precision 1 against 2/3 and 4/5; the printed fall of 33 points is within
        ((0.0, 0.0), (0.25, 0.25), Verdict.PARTLY),  # a fall, but a smaller one
        ((0.5, 0.5), (0.0, 0.0), Verdict.NOT),
        ((0.0,), (0.5,), Verdict.NOT_RUN),  # one run gives no interval
    ],
)
def test_a_claim_of_a_difference(tmp_path, mlp_30s, mlp_3s, verdict):
    records = handmade.table(tmp_path, *classical_precision("mlp_30s", mlp_30s), *classical_precision("mlp_3s", mlp_3s))
    judged = verdicts.judge(PAPER, "C5", records)
    assert judged.verdict == verdict, judged
    assert "points" in judged.found


def of_accuracies(by: float, **changes) -> papers.Paper:
    """Let C5 be about a difference of accuracies."""
    difference = {"of": "lstm_3s", "over": "lstm_6s", "by": by} | changes
    return with_claim("C5", metric="accuracy", genre=None, values=None, difference=difference)


@pytest.mark.parametrize(
    ("by", "of", "over", "verdict"),
    [
        (0.2, 0.75, 0.5, Verdict.REPRODUCED),
        (-0.2, 0.75, 0.5, Verdict.NOT),
        (0.9, 0.75, 0.5, Verdict.PARTLY),
    ],
)
def test_a_claim_of_a_difference_of_accuracies(tmp_path, by, of, over, verdict):
    judged = judge(tmp_path, "C5", of_accuracies(by), lstm_3s=of, lstm_6s=over)
    assert judged.verdict == verdict
    assert f"{100 * (of - over):+.1f} points" in judged.found and "1 pair of runs" in judged.found


@pytest.mark.parametrize(("by", "verdict"), [(0.9, Verdict.REPRODUCED), (-0.2, Verdict.NOT)])
def test_a_claim_of_a_direction_asks_for_no_size(tmp_path, by, verdict):
    assert judge(tmp_path, "C5", of_accuracies(by, direction_only=True), lstm_3s=0.75, lstm_6s=0.5).verdict == verdict


def test_a_difference_is_taken_seed_against_seed(tmp_path):
    """Runs without a partner do not count, and what both get wrong does not widen the interval."""
    made = [handmade.record("lstm_3s", 0.75, seed=seed) for seed in (0, 1, 2)] + [handmade.record("lstm_6s", 0.75, seed=1)]
    judged = verdicts.judge(of_accuracies(0.0), "C5", handmade.table(tmp_path, *made))
    assert judged == judgements.Judgement(
        Verdict.REPRODUCED, "lstm_3s over lstm_6s: +0.0 points (+0.0 to +0.0 points, 1 pair of runs, sign open)", True
    )
    without = handmade.table(tmp_path / "without", *made[:1], *made[3:])
    judged = verdicts.judge(of_accuracies(0.0), "C5", without)
    assert judged.verdict == Verdict.NOT_RUN and judged.found == "no run of lstm_3s with the seed of a run of lstm_6s"


def test_a_claim_with_a_check_is_judged_by_it(tmp_path):
    judged = judge(tmp_path, "C7", mlp_30s={"rock": 0.25, "blues": 0.5})  # all genres are equally certain
    assert judged.verdict == Verdict.PARTLY and "lowest recalls: rock 25.0%, blues 50.0%" in judged.found


def test_a_check_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"demarco_2024\.yml names the check loudness, but musicgenre\.checks\.demarco_2024 has no such"):
        judge(tmp_path, "C7", with_claim("C7", check="loudness"), mlp_30s=0.5)


def test_a_claim_that_cannot_be_judged_says_why():
    judged = verdicts.judge(PAPER, "C11", pd.DataFrame({"profile": []}))
    assert judged.verdict == Verdict.UNDECIDABLE and "no listening test" in judged.found


@pytest.mark.parametrize(
    ("claim", "missing"), [("C2", "no run of lstm_6s under tracks"), ("C8", "no run of mlp_3s under as_published"), ("C3", "lstm_6s")]
)
def test_what_is_missing_is_named(tmp_path, claim, missing):
    judged = judge(tmp_path, claim, lstm_3s=0.75, mlp_30s=0.75)
    assert judged.verdict == Verdict.NOT_RUN and missing in judged.found


def test_records_of_another_profile_or_protocol_are_left_aside(tmp_path):
    records = handmade.table(tmp_path, handmade.record("mlp_30s", 0.75), handmade.record("mlp_3s", 0.75, protocol="tracks"))
    assert verdicts.judge(PAPER, "C8", records).verdict == Verdict.NOT_RUN
    assert verdicts.judge(PAPER, "C7", records, Profile.FULL).verdict == Verdict.NOT_RUN
    assert verdicts.judge(PAPER, "C7", records).verdict == Verdict.NOT


def test_a_value_without_an_interval_is_not_judged(tmp_path):
    of_loss = with_claim("C8", judged_by="value", metric="loss", values={"mlp_3s": 0.5})
    judged = judge(tmp_path, "C8", of_loss, mlp_3s=0.75, mlp_30s=0.75)
    assert judged.verdict == Verdict.NOT_RUN


def test_the_loss_is_that_of_the_test_part():
    made = handmade.record("mlp_3s", 0.5)
    assert judgements.measure([made], "loss").mean == made["scores"]["segment"]["loss"]
    assert judgements.measure([made], "train_loss").mean == made["history"]["loss"][made["best_epoch"] - 1]


def test_a_difference_that_may_be_of_either_sign_says_so(tmp_path):
    close, far = (judge(tmp_path / str(low), "C5", of_accuracies(0.05), lstm_3s=0.75, lstm_6s=low) for low in (SLIGHTLY_LESS, 0.25))
    assert close.sign_open and "sign open" in close.found
    assert not far.sign_open and "sign open" not in far.found
    assert all("not the paper's sign" not in judged.found for judged in (close, far))
    other_way = judge(tmp_path / "other", "C5", of_accuracies(-0.05), lstm_3s=0.75, lstm_6s=SLIGHTLY_LESS)
    assert other_way.found.endswith(", not the paper's sign, sign open)")


def test_runs_of_all_seeds_are_measured_together(tmp_path):
    made = [handmade.record("lstm_3s", share, seed=seed) for seed, share in enumerate((0.5, 1.0))]
    found = judgements.of_experiment(handmade.table(tmp_path, *made), "demarco_2024", "lstm_3s")
    measured = judgements.measure(found)
    assert measured.mean == 0.75 and measured.runs == 2 and measured.low < 0.5 and measured.high == 1.0
    recall = judgements.measure(found, "recall", "jazz")
    assert (recall.mean, recall.high - recall.mean) == (0.75, pytest.approx(1.96 * np.std([0.5, 1], ddof=1)))
    assert judgements.measure(found, "val_loss").mean == 1.2  # of the epoch whose weights were tested
    assert str(judgements.measure(found[:1], "recall", "jazz")) == "50.0% (1 run)"
    with pytest.raises(Missing, match="no run of lstm_3s under artists"):
        judgements.of_experiment(handmade.table(tmp_path), "demarco_2024", "lstm_3s", "artists")


# Rankings


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        (["a", "b", "c"], True),
        (["a", ["b", "c"]], True),
        ([["a", "b"], "c"], True),
        (["b", "a"], False),
        (["a", "tie"], False),
        ([["a", "c"], "b"], False),
    ],
)
def test_rankings(ranking, expected):
    assert verdicts.holds(ranking, {"a": 0.9, "tie": 0.9, "b": 0.8, "c": 0.7}) is expected


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=2))
def test_a_ranking_holds_in_sorted_order_alone_unless_there_are_ties(means):
    order = sorted(means, key=means.get, reverse=True)
    no_ties = len(set(means.values())) == len(means)
    assert verdicts.holds(order, means) is no_ties
    assert not verdicts.holds(order[::-1], means)
    assert verdicts.holds([order], means)  # one tier claims nothing


# Badges


def test_every_verdict_has_a_badge_of_its_own():
    assert [verdict.badge for verdict in Verdict] == ["[Re]", "[~Re]", "[¬Re]", "[?]", "[ ]"]


def test_a_claim_can_be_judged_on_another_rung(tmp_path):
    """On the rung where the number falls the same rule says so; runs of other rungs do not take part."""
    made = [handmade.record(name, 0.75) for name in ("mlp_30s", "mlp_3s")]
    made += [handmade.record(name, share) | {"protocol": "fault_filtered"} for name, share in (("mlp_30s", 0.5), ("mlp_3s", 0.25))]
    records = handmade.table(tmp_path, *made)
    assert verdicts.judge(BY_VALUE, "C8", records).verdict == Verdict.REPRODUCED
    moved = verdicts.on_rung(records, "fault_filtered")
    assert set(zip(moved["experiment"], moved["protocol"], strict=True)) == {("mlp_30s", "tracks"), ("mlp_3s", "as_published")}
    assert verdicts.judge(BY_VALUE, "C8", moved).verdict == Verdict.PARTLY
    assert verdicts.judge(PAPER, "C8", verdicts.on_rung(records, "artists")).verdict == Verdict.NOT_RUN
