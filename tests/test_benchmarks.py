"""The benchmarks: measuring in turn, ratios and targets, the committed records, and PyTorch's models where PyTorch is installed."""

import pytest
from conftest import ROOT

from benchmarks import common
from benchmarks.common import Row, in_turn, read, table

RECORDS = sorted(path.stem for path in common.RECORDS.glob("*.json"))


def row(**values) -> Row:
    return Row(name="work", unit="ms", **values)


def test_ways_are_measured_in_turn_after_one_call_that_is_not_counted():
    calls = []
    values = in_turn({"ours": lambda: calls.append("ours"), "theirs": lambda: calls.append("theirs"), "absent": None}, rounds=3)
    assert calls == ["ours", "theirs"] * 4
    assert {way: len(rounds) for way, rounds in values.items()} == {"ours": 3, "theirs": 3, "absent": 0}


def test_ratios_pair_the_rounds_so_that_a_slow_round_counts_for_both():
    measured = row(values={"ours": [1.0, 10.0, 2.0], "theirs": [3.0, 30.0, 4.0], "absent": []})
    assert measured.ratios() == {"theirs": (3.0, 2.0, 3.0)}
    assert measured.medians() == {"ours": 2.0, "theirs": 4.0}


@pytest.mark.parametrize(
    ("target", "theirs", "holds"),
    [
        ({"at_least": 2.0, "against": ["theirs"]}, [4.0], True),
        ({"at_least": 5.0, "against": ["theirs"]}, [4.0], False),
        ({"at_least": 2.0, "against": ["theirs"]}, [], None),
        ({"at_most": 2.0}, [4.0], True),
        ({"at_most": 1.5}, [4.0], False),
        ({}, [4.0], None),
        ({"against": ["theirs"]}, [4.0], None),
    ],
)
def test_targets(target, theirs, holds):
    assert row(values={"ours": [2.0], "theirs": theirs}, **target).holds() is holds


def test_a_record_reads_back_as_it_was_written_and_says_where_it_was_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common, "RECORDS", tmp_path / "benchmarks")
    written = row(values={"ours": [1.0], "theirs": [4.0], "absent": []}, checked="relative 1e-4", at_least=5.0, against=["theirs"])
    common.report("trial", [written], ["numpy"])
    record, rows = read("trial")
    assert rows == {"work": written}
    assert record["machine"]["cores"] and record["machine"]["processor"] and record["versions"]["numpy"]
    line = table(rows.values()).loc["work"]
    assert (line["theirs"], line["absent"], line["target"], line["met"]) == ("4 (4×, 4–4)", "not installed", "5× theirs", "no")
    assert "4×" in capsys.readouterr().out


@pytest.mark.parametrize("name", RECORDS)
def test_committed_records_can_be_shown(name):
    record, rows = read(name)
    assert record["machine"]["threads"] == "1"
    assert all(row.unit and row.medians() for row in rows.values())
    assert list(table(rows.values()).index) == list(rows)


def test_every_benchmark_is_run_by_make_and_has_its_record():
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__init__", "common"}
    assert programs == set(RECORDS)


def test_models_in_pytorch_compute_what_those_in_keras_compute():
    pytest.importorskip("torch")
    from benchmarks import training

    for case in training.CASES[:3]:
        training.check(case)


def test_of_a_rate_more_is_better():
    fast = Row(name="product", unit="GFLOP/s", values={"ours": [100.0], "other": [50.0]})
    assert fast.ratios()["other"] == (2.0, 2.0, 2.0)
