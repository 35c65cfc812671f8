"""The tables of the book: what stands in them, what is left open, and where their cells lead."""

import re
from pathlib import Path

import handmade
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS, CONFIG, ROOT

from musicgenre import judgements, papers, runs, tables, verdicts
from musicgenre.judgements import Verdict
from musicgenre.settings import Profile

PAPER = papers.read("demarco_2024")
RECORD = re.compile(
    rf"{re.escape(CONFIG['repository']['url'])}/blob/{CONFIG['repository']['branch']}/(book/results/demarco_2024/[\w.-]+\.json)"
)


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> pd.DataFrame:
    """Two seeds of one experiment on two rungs, one seed of another."""
    made = [handmade.record("lstm_3s", share, seed=seed) for seed, share in enumerate((0.5, 1.0))]
    made += [handmade.record("lstm_3s", 0.5) | {"protocol": "fault_filtered"}, handmade.record("mlp_3s", 0.75)]
    return handmade.table(tmp_path_factory.mktemp("records"), *made)


def test_beside_holds_every_experiment_and_what_was_run(records):
    table = tables.beside(PAPER, records)
    assert list(table.index[:5]) == list(PAPER.experiments.index) and "lstm_10s" in table.index
    assert table.loc["lstm_3s", ("paper", "")] == 0.93 and np.isnan(table.loc["lstm_10s", ("paper", "")])
    assert table.loc["lstm_3s", ("tracks", "mean")] == 0.75 and table.loc["lstm_3s", ("tracks", "runs")] == 2
    assert table.loc["lstm_3s", ("gap", "")] == pytest.approx(0.25)  # own protocol minus the highest rung
    assert table.loc["mlp_3s", ("as_published", "mean")] == 0.75 and np.isnan(table.loc["mlp_3s", ("gap", "")])
    assert np.isnan(table.loc["lstm_6s", ("tracks", "mean")])
    assert ("artists", "mean") not in table.columns  # not run
    summary = runs.summarise(records).loc["demarco_2024", "lstm_3s", "lite", "tracks"]
    assert table.loc["lstm_3s", "tracks"]["low"] == summary["low"] and table.loc["lstm_3s", "tracks"]["files"] == summary["files"]


def test_a_gap_needs_a_rung_above_the_papers_own(tmp_path):
    lower = handmade.record("lstm_3s", 0.75) | {"protocol": "as_published"}
    table = tables.beside(PAPER, handmade.table(tmp_path, lower, handmade.record("lstm_3s", 0.5)))
    assert ("gap", "") not in table.columns


def test_names_of_genres_are_escaped_in_html():
    table = pd.DataFrame({"R&B": ["<i>"]}, index=["rock & roll"])
    assert {"R&amp;B", "rock &amp; roll", "&lt;i&gt;"} <= set(re.findall(r">([^<>\s][^<>]*)<", tables.html(table)))


def test_beside_without_records_is_the_paper_alone(tmp_path):
    table = tables.beside(PAPER, runs.read_records(tmp_path))
    assert list(table.columns) == [("paper", "")] and table[("paper", "")].count() == 5
    assert list(tables.in_words(table).columns) == ["paper"]


def test_other_profiles_are_left_aside(records):
    assert list(tables.beside(PAPER, records, profile=Profile.FULL).columns) == [("paper", "")]
    assert tables.by_genre(PAPER, "lstm_3s", records, profile=Profile.FULL).empty
    assert set(tables.claims(PAPER, records, profile=Profile.FULL)["verdict"]) == {"not run", "cannot be judged"}


def test_in_words_gives_percentages_with_their_spread(records):
    text = tables.in_words(tables.beside(PAPER, records))
    assert re.fullmatch(r"75\.0 ± 35\.4 \([\d.]+ to 100\.0, n = 2\)", text.loc["lstm_3s", "tracks"])
    assert re.fullmatch(r"50\.0 \([\d.]+ to [\d.]+, n = 1\)", text.loc["lstm_3s", "fault_filtered"])  # one run has no spread
    assert text.loc["lstm_3s", "paper"] == "93" and text.loc["lstm_3s", "gap"] == "+25.0"
    assert text.loc["lstm_6s", "tracks"] == text.loc["lstm_10s", "paper"] == tables.NONE


def test_a_run_that_never_began_to_learn_is_counted_and_left_out_where_another_learned(tmp_path):
    stuck, learned = handmade.record("lstm_3s", dict.fromkeys(handmade.GENRES, 0.0), seed=0), handmade.record("lstm_3s", seed=1)
    counts = np.array(stuck["scores"]["segment"]["confusion"])
    stuck["scores"]["segment"]["confusion"] = [[int(n), *[0] * 9] for n in counts.sum(axis=1)]
    assert [runs.never_began(made) for made in (stuck, learned, stuck | {"history": {}})] == [True, False, False]
    both, alone = handmade.table(tmp_path / "both", stuck, learned), handmade.table(tmp_path / "alone", stuck)
    in_both, in_alone = (tables.in_words(tables.beside(PAPER, records)).loc["lstm_3s", "tracks"] for records in (both, alone))
    assert in_both.startswith("100.0 (") and in_both.endswith(", n = 1, without 1 that never began to learn)")
    assert in_alone.startswith("0.0 (") and in_alone.endswith(", n = 1, never began to learn)")
    assert re.search(r"ours 100\.0% \(.+, 1 run, without 1 that never began to learn\);", tables.headline(PAPER, both))
    assert ", 1 run, never began to learn);" in tables.headline(PAPER, alone)
    assert [len(judgements.of_experiment(records, PAPER.id, "lstm_3s")) for records in (both, alone)] == [1, 1]


def test_linked_cells_lead_to_the_records_in_the_repository(records, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("MUSICGENRE_RESULTS", raising=False)
    page = BeautifulSoup(tables.html(tables.in_words(tables.beside(PAPER, records), link=True)), "html.parser")
    links = {RECORD.fullmatch(link["href"]).group(1).rsplit("/", 1)[1]: link.text for link in page.select("td a")}
    assert links == {
        "lstm_3s.lite.tracks.seed0.json": "1", "lstm_3s.lite.tracks.seed1.json": "2",
        "lstm_3s.lite.fault_filtered.seed0.json": "1", "mlp_3s.lite.as_published.seed0.json": "1",
    }  # fmt: skip
    assert [cell.text for cell in page.select("th") if cell.text == "mlp_30s"]
    assert page.select("td")[0].text == "74"


def test_links_lead_nowhere_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSICGENRE_RESULTS", str(tmp_path / "mine" / "results"))
    assert tables.links(["demarco_2024/one.json"]) == 'record <span title="demarco_2024/one.json">1</span>'
    assert tables.links([]) == "no record"


def test_by_genre_puts_the_paper_beside_the_mean_of_our_runs(records):
    table = tables.by_genre(PAPER, "lstm_3s", records)
    assert list(table.index) == list(handmade.GENRES)
    assert table.loc["blues", ("f1", "paper")] == 0.94
    assert table.loc["rock", ("recall", "ours")] == 0.75
    assert table.loc["rock", ("recall", "sd")] == pytest.approx(np.std([0.5, 1.0], ddof=1))
    assert tables.by_genre(PAPER, "lstm_3s", records, protocol="fault_filtered").loc["rock", ("recall", "ours")] == 0.5
    assert tables.by_genre(PAPER, "lstm_9s", records).empty


def test_genres_of_our_own_experiments_have_no_number_of_the_paper():
    table = tables.by_genre(PAPER, "lstm_10s", runs.read_records(ROOT / "book" / "results", PAPER.id))
    assert table["recall", "paper"].isna().all() and table["recall", "ours"].notna().all()


def test_every_claim_is_judged(records):
    table = tables.claims(PAPER, records)
    assert list(table.index) == list(PAPER.claims.index)
    assert table.loc["C11", "verdict"] == "cannot be judged" and "[?] cannot be judged" in table.loc["C11", "badge"]
    assert table.loc["C8", "paper"] == "mlp_30s 74 %, mlp_3s 66 %"
    for claim in table.index:
        judged = verdicts.judge(PAPER, claim, records)
        assert (table.loc[claim, "verdict"], table.loc[claim, "found"]) == (judged.verdict, judged.found)


# Badges


@pytest.mark.parametrize("verdict", Verdict)
def test_every_badge_has_a_colour(verdict):
    badge = BeautifulSoup(tables.badge(str(verdict)), "html.parser").span
    assert badge.text == f"{verdict.badge} {verdict}"
    style = (ROOT / "book" / "_static" / "musicgenre.css").read_text()
    assert badge["class"][0] == "verdict" and f".{badge['class'][1]} " in style
    is_open = BeautifulSoup(tables.badge(str(verdict), sign_open=True), "html.parser").span
    assert (is_open.text == f"{badge.text}, sign open") == (verdict is Verdict.REPRODUCED)
    assert f".{is_open['class'][1]} " in style


def test_claims_are_shown_with_rule_numbers_and_badge(records):
    page = BeautifulSoup(tables.judged(PAPER, records), "html.parser")
    assert [cell.text for cell in page.select("thead th")] == ["", "text", "rule", "paper", "ours", "verdict"]
    assert [row.th.text for row in page.select("tbody tr")] == list(PAPER.claims.index)
    assert len(page.select("tbody .verdict")) == len(PAPER.claims)


def test_a_contradiction_is_quoted_from_the_file():
    page = BeautifulSoup(tables.quote(PAPER, "X8", "X1"), "html.parser")
    assert [quote.b.text for quote in page.select("blockquote")] == ["X8", "X1"]
    assert PAPER.contradictions.at["X1", "text"] in page.text
    with pytest.raises(KeyError):
        tables.quote(PAPER, "X99")


@pytest.mark.parametrize("paper_id", papers.PAPERS)
def test_each_deviation_is_in_the_table_once(paper_id):
    paper = papers.read(paper_id)
    page = BeautifulSoup(tables.deviations(paper), "html.parser")
    shown = [[cell.text for cell in row.select("td")] for row in page.select("tbody tr")]
    assert len({(row.th.text, *cells[1:]) for row, cells in zip(page.select("tbody tr"), shown, strict=True)}) == len(shown)
    assert sum(len(cells[0].split(", ")) for cells in shown) == paper.settings["ours"].notna().sum()


def test_a_deviation_puts_what_the_paper_says_beside_what_we_do():
    row = PAPER.settings.dropna(subset="ours").iloc[0]
    page = BeautifulSoup(tables.deviations(PAPER), "html.parser")
    cells = [cell.text for cell in next(line for line in page.select("tbody tr") if line.th.text == row["setting"]).select("td")]
    assert [cell.text for cell in page.select("thead th")] == ["", "in", "paper", "ours", "why"]
    assert cells[1:] == ["unsaid" if row["unsaid"] else str(row["value"]), str(row["ours"]), row["why"]]


def test_the_headline_is_the_number_of_the_paper_beside_ours(records):
    said = tables.headline(PAPER, records)
    assert said.startswith("DeMarco et al., LSTM (3 seconds): printed 93%; ours 75.0% (")
    assert ", 2 runs: 50.0%, 100.0%); with artists and copies kept apart 50.0% (" in said
    nothing = records.iloc[:0]
    assert tables.headline(PAPER, nothing).endswith("ours not run yet; with artists and copies kept apart not run yet")
    assert "printed no number" in tables.headline(papers.read("xu_2024"), nothing)
    assert tables.headline(papers.read("schaldenbrand_he_2019"), nothing).endswith("names no artists")


def test_badges_lead_to_the_places_of_their_claims(records):
    page = BeautifulSoup(tables.badges(PAPER, records), "html.parser")
    assert [line.a.text for line in page.select("li")] == list(PAPER.claims.index)
    assert page.select("li")[1].a["href"] == "#demarco-2024-c2"
    assert "93 > 76 > 73" in page.select("li")[1].text  # escaped once
    assert [line.span.text for line in page.select("li")][10] == "[?] cannot be judged"
    assert "Profile lite" in page.text


# Scoreboard


@pytest.fixture(scope="module")
def board(records) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.delenv("MUSICGENRE_RESULTS", raising=False)
        return tables.scoreboard(records).set_index(["paper", "claim"])


def test_the_scoreboard_holds_every_claim_of_every_paper_in_their_order(board, records):
    assert list(board.index) == [(paper, claim) for paper in papers.PAPERS for claim in papers.read(paper).claims.index]
    judged = tables.claims(PAPER, records)
    assert (board.loc[PAPER.id, ["text", "where", "verdict", "found"]] == judged[["text", "where", "verdict", "found"]]).all(axis=None)
    assert set(board["profile"]) == {"lite"}


def test_the_scoreboard_says_what_a_verdict_rests_on(board):
    found = board.loc[PAPER.id]
    own = [f"demarco_2024/lstm_3s.lite.tracks.seed{seed}.json" for seed in (0, 1)]  # not those of the highest rung
    assert found.loc["C1", "records"] == [*own, "demarco_2024/mlp_3s.lite.as_published.seed0.json"]
    assert found.loc["C1", "protocol"] == ["tracks", "as_published"]
    assert found.loc["C9", "records"] == ["demarco_2024/mlp_3s.lite.as_published.seed0.json"]  # named by no claim, but asked for by a check
    assert found.loc["C3", "verdict"] == "not run" and found.loc["C3", "records"] == []
    assert found.loc["C11", "verdict"] == "cannot be judged" and found.loc["C11", "protocol"] == []


def test_the_scoreboard_holds_the_numbers_of_the_papers(board):
    assert board.loc[(PAPER.id, "C8"), "reported"] == "mlp_30s 74 %, mlp_3s 66 %"
    assert board.loc[("holst_2021", "C8"), "reported"] == "-10.8 points"
    assert board.loc[("xu_2024", "C1"), "reported"] == tables.NONE


def test_the_scoreboard_leads_to_the_chapters(board):
    assert board.loc[(PAPER.id, "C10"), "chapter"] == "notebooks/04_demarco_2024.html#demarco-2024-c10"
    assert {chapter.split(".html#")[0].split("/")[1] for chapter in board["chapter"]} <= set(CHAPTERS)


def test_the_summary_counts_the_verdicts_of_each_paper(board):
    counts = tables.summary(board.reset_index())
    assert list(counts.index) == [papers.read(paper).short_name for paper in papers.PAPERS]
    assert list(counts.columns) == ["reproduced", "of these, sign open", *list(map(str, Verdict))[1:], "claims"]
    assert (counts["of these, sign open"] <= counts["reproduced"]).all()
    assert counts["claims"].tolist() == [len(papers.read(paper).claims) for paper in papers.PAPERS]
    to_judge = papers.read("xu_2024").claims["judged_by"] != "none"
    assert counts.loc["Xu et al.", "not run"] == to_judge.sum() and counts.loc["Xu et al.", "reproduced"] == 0
    assert (
        counts["cannot be judged"].sum()
        == (board["verdict"] == "cannot be judged").sum()
        == sum((papers.read(paper).claims["judged_by"] == "none").sum() for paper in papers.PAPERS)
    )


# Progress


def test_progress_counts_what_is_missing_and_says_how_to_make_it(records, tmp_path):
    everything = runs.plan(tables.experiments.of_paper(PAPER.id).values())
    planned, text = len(everything), tables.progress(PAPER.id, records)
    assert text.startswith(f"{planned - 4} of {planned} runs of the profile lite are not recorded here yet")
    assert "`musicgenre replicate demarco_2024 --profile lite --data FOLDER`. Not one run yet: " in text
    on_tracks = {job.experiment.id for job in everything if job.protocol == "tracks"}
    assert set(re.search(r"; ([\w, ]+) under `tracks`", text)[1].split(", ")) == on_tracks - {"lstm_3s"}
    assert tables.progress(PAPER.id, records.iloc[:0]).endswith("--data FOLDER`.")
    assert "--data" not in tables.progress(PAPER.id, records, profile=Profile.SMOKE)
    files = [job.path(Path(), Profile.LITE).as_posix() for job in everything]
    assert tables.progress(PAPER.id, pd.DataFrame({"file": files})) == f"All {len(files)} runs of the profile lite are recorded."


# HTML


def test_text_is_escaped_and_html_is_not():
    table = pd.DataFrame({"text": ["a < b & c", 1.5], "link": [tables.Html("<b>x</b>"), None]}, index=["one", "two"])
    page = tables.html(table)
    assert "a &lt; b &amp; c" in page and "<b>x</b>" in page and "1.5" in page
    long = "word " * 100 + "end"
    assert long in tables.html(pd.DataFrame({"text": [long]}))  # whole cells


def test_a_notebook_shows_html_as_html():
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(tables.badge("reproduced"))
    assert shown["text/html"] == '<span class="verdict verdict-reproduced">[Re] reproduced</span>'


# Report


def test_the_report_says_all_and_marks_what_is_synthetic(records, tmp_path):
    text = tables.report(PAPER, folder=tmp_path / "records")
    assert text.startswith("DeMarco et al.: From Beethoven to Beyoncé")
    assert "profile lite" in text and "synthetic" not in text
    for claim in PAPER.claims.index:
        assert f" {claim}: " in text
    assert "(built-in synthetic corpus)" in tables.report(PAPER, profile=Profile.SMOKE, folder=tmp_path / "records")
