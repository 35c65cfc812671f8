"""The papers as data: what is transcribed, what is refused, and the arithmetic behind the contradictions."""

import itertools
import json
import math
import subprocess
import sys
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import need
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from musicgenre import experiments, papers, schemas
from musicgenre.errors import DataError, SettingsError

XU = (files(papers) / "xu_2024.yml").read_text(encoding="utf-8")
every_paper = pytest.mark.parametrize("paper", [papers.read(name) for name in papers.PAPERS], ids=papers.PAPERS)


def by_genre(paper: str, experiment: str) -> pd.DataFrame:
    """Return the printed precision, recall and F1: one row a genre."""
    results = papers.read(paper).results
    rows = results[(results["experiment"] == experiment) & results["metric"].isin(["precision", "recall", "f1"])]
    return rows.pivot(index="genre", columns="metric", values="value")


TABLES_BY_GENRE = [("demarco_2024", name) for name in ("mlp_30s", "mlp_3s", "lstm_3s", "lstm_6s", "lstm_9s")]
TABLES_BY_GENRE += [("srivastava_2022", name) for name in ("cnn_gru", "cnn_lstm")]


# What is transcribed


@pytest.mark.parametrize(
    ("paper", "experiment", "metric", "genre", "printed"),
    [
        ("demarco_2024", "mlp_30s", "accuracy", None, 0.74),
        ("demarco_2024", "lstm_9s", "recall", "rock", 0.32),
        ("demarco_2024", "lstm_3s", "f1", "blues", 0.94),
        ("demarco_2024", "mlp_3s", "precision", "metal", 0.92),
        ("demarco_2024", "mlp_30s", "certainty", "classical", 9.70),
        ("srivastava_2022", "cnn_gru", "accuracy", None, 0.857),
        ("srivastava_2022", "cnn_gru", "f1", "rock", 0.74),
        ("srivastava_2022", "cnn_lstm", "f1", "rock", 0.77),
        ("srivastava_2022", "cnn_lstm", "recall", "blues", 0.70),
        ("schaldenbrand_he_2019", "dieleman", "accuracy", None, 0.4563),
        ("schaldenbrand_he_2019", "conv2d_lstm", "loss", None, 1.364),
        ("holst_2021", "exp_8", "accuracy", None, 0.885),
        ("holst_2021", "exp_4_l2", "accuracy", None, 0.674),
        ("holst_2021", "exp_3R", "val_loss", None, 1.27),
        ("holst_2021", "exp_10", "build_time_s", None, 2026),
        ("holst_2021", "exp_5", "train_accuracy", None, 0.817),
        ("schaldenbrand_he_2019", "logistic_regression", "accuracy", None, None),
        ("xu_2024", "vgg", "accuracy", None, None),
        ("demarco_2024", "mlp_30s", "f1", None, None),
    ],
)
def test_reported_gives_what_the_paper_prints(paper, experiment, metric, genre, printed):
    assert papers.read(paper).reported(experiment, metric, genre) == printed


def test_every_table_is_complete():
    counts = {name: len(papers.read(name).results) for name in papers.PAPERS}
    expected = {
        "demarco_2024": 5 + 3 * 10 * 5 + 2 * 10,
        "srivastava_2022": 2 + 2 * 10 * 3,
        "schaldenbrand_he_2019": 5 * 2,
        "xu_2024": 0,
        "holst_2021": 12 * 7 + 1,
    }
    assert expected.items() <= counts.items()
    for paper, experiment in TABLES_BY_GENRE:
        assert by_genre(paper, experiment).notna().to_numpy().sum() == 30


def test_experiments_have_the_ids_that_the_rest_of_the_package_uses():
    expected = {
        "demarco_2024": "mlp_30s mlp_3s lstm_3s lstm_6s lstm_9s",
        "srivastava_2022": "cnn_gru cnn_lstm",
        "schaldenbrand_he_2019": "dieleman ghosal ghosal_lstm conv2d conv2d_lstm logistic_regression dieleman_spotify",
        "xu_2024": "cnn lstm gru vgg",
        "holst_2021": "exp_1 exp_2 exp_3 exp_3R exp_4 exp_4_l2 exp_4R exp_5 exp_6 exp_7 exp_8 exp_9 exp_10",
    }
    assert expected.items() <= {name: " ".join(papers.read(name).experiments.index) for name in papers.PAPERS}.items()


def test_short_names():
    assert [papers.read(name).short_name for name in papers.PAPERS][:5] == [
        "DeMarco et al.",
        "Srivastava et al.",
        "Schaldenbrand & He",
        "Xu et al.",
        "Holst",
    ]


def test_percentages_become_fractions_everywhere():
    paper = papers.read("schaldenbrand_he_2019")
    assert paper.comparisons.set_index("source")["value"]["[13] Arabi 2009"] == 0.9079
    numbers = papers.read("holst_2021").numbers_in_text
    assert 0.025 in set(numbers["value"]) and set(numbers["unit"]) == {"fraction"}
    for name in papers.PAPERS:
        results = papers.read(name).results
        assert results.loc[results["metric"].isin(papers.SHARES), "value"].between(0, 1).all()


@every_paper
def test_whatever_is_unsaid_has_a_choice_with_a_reason(paper):
    table = paper.settings
    assert (table["unsaid"] == table["value"].isna()).all()
    assert table.loc[table["unsaid"], ["ours", "why"]].notna().all(axis=None)
    assert table.loc[~table["unsaid"], "where"].notna().all()
    assert not table.duplicated(["part", "experiment", "setting"]).any()


@every_paper
def test_texts_name_no_path_of_a_machine(paper):
    text = (files(papers) / f"{paper.id}.yml").read_text(encoding="utf-8")
    assert "text_file" not in text and "/work" not in text and "/home" not in text


@every_paper
def test_the_choices_are_those_of_the_experiments(paper):
    table = paper.settings.set_index("setting")
    in_force = table["ours"].where(table["ours"].notna(), table["value"])
    for name in paper.experiments.index:
        common, own = in_force[table["experiment"].isna()], in_force[table["experiment"] == name]
        settings_of_run = {**common, **own}
        experiment = experiments.get(paper.id, name)
        for key in ("epochs", "batch_size", "learning_rate", "patience", "keep"):
            assert settings_of_run.get(key) == getattr(experiment.training, key, None), (name, key)
        for key in ("valid_fraction", "test_fraction"):
            assert settings_of_run[key] == pytest.approx(getattr(experiment, key), abs=0.001), (name, key)


# Claims


@every_paper
def test_every_claim_can_be_judged_or_says_why_not(paper):
    needs = {"value": "values", "ranking": "ranking", "difference": "difference", "check": "rule", "none": "why"}
    for claim_id, claim in paper.claims.to_dict("index").items():
        assert claim[needs[claim["judged_by"]]] is not None, claim_id


@every_paper
def test_claims_repeat_the_numbers_of_the_tables(paper):
    for claim_id, claim in paper.claims.to_dict("index").items():
        for experiment, value in (claim["values"] or {}).items():
            assert value == paper.reported(experiment, claim["metric"], claim["genre"]), claim_id
        if claim["difference"] and (paper.id, claim_id) != ("holst_2021", "C3"):  # its contradiction X5: the table does not give it
            of, over = (paper.reported(claim["difference"][side], claim["metric"], claim["genre"]) for side in ("of", "over"))
            assert claim["difference"]["by"] == pytest.approx(of - over), claim_id


@every_paper
def test_the_tables_bear_out_every_ranking(paper):
    for claim_id, claim in paper.claims.dropna(subset="ranking").to_dict("index").items():
        groups = [[entry] if isinstance(entry, str) else entry for entry in claim["ranking"]]
        values = [[paper.reported(experiment, claim["metric"], claim["genre"]) for experiment in group] for group in groups]
        for better, worse in itertools.pairwise(values):
            assert None in better + worse or min(better) > max(worse), claim_id


# The arithmetic behind the contradictions


def rounding(values, step: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of what rounds to the printed values."""
    return np.maximum(np.asarray(values) - step / 2, 0), np.minimum(np.asarray(values) + step / 2, 1)


def test_one_printed_f1_is_impossible():
    impossible = set()
    for paper, experiment in TABLES_BY_GENRE:
        table = by_genre(paper, experiment)
        (p_low, p_high), (r_low, r_high), (low, high) = (rounding(table[metric]) for metric in ("precision", "recall", "f1"))
        wrong = (2 * p_high * r_high / (p_high + r_high) < low - 1e-9) | (2 * p_low * r_low / (p_low + r_low) > high + 1e-9)
        impossible |= {(paper, experiment, genre) for genre in table.index[wrong]}
    assert impossible == {("demarco_2024", "lstm_3s", "blues")}  # X3
    p, r = rounding([0.83]), rounding([1.0])
    assert [round(float(2 * 100 * (a * b / (a + b))[0]), 1) for a, b in zip(p, r, strict=True)] == [90.2, 91.0]


def smallest_class(precision: float, recall: float, f1: float) -> int | float:
    """Fewest true items of a class for which whole counts round to the printed percentages; inf: none up to 100."""
    p, r, f = (round(100 * value) for value in (precision, recall, f1))
    for n in range(1, 101):
        for hits in range(max(1, math.ceil(n * (r - 0.5) / 100)), math.floor(n * min(r + 0.5, 100) / 100) + 1):
            for predicted in range(max(hits, math.ceil(hits * 100 / (p + 0.5))), math.floor(hits * 100 / (p - 0.5)) + 1):
                if abs(200 * hits - f * (n + predicted)) <= 0.5 * (n + predicted):
                    return n
    return math.inf


def test_smallest_test_sets():
    def sizes(paper, experiment):
        table = by_genre(paper, experiment)
        return {genre: smallest_class(*table.loc[genre, ["precision", "recall", "f1"]]) for genre in table.index}

    mlp = sizes("demarco_2024", "mlp_30s")
    assert (mlp["blues"], mlp["jazz"], mlp["rock"], sum(mlp.values())) == (71, 45, 37, 298)  # X4
    assert sum(sizes("demarco_2024", "lstm_6s").values()) == 183  # X5
    assert sum(sizes("demarco_2024", "lstm_9s").values()) == 165
    gru, lstm = sizes("srivastava_2022", "cnn_gru"), sizes("srivastava_2022", "cnn_lstm")
    assert (gru["classical"], sum(gru.values()), lstm["classical"], sum(lstm.values())) == (45, 255, 67, 310)  # X1


def test_certainties_stand_beside_recalls_of_the_mlp():
    paper = papers.read("demarco_2024")
    table = by_genre("demarco_2024", "mlp_30s")
    beside = pd.Series({genre: paper.reported("mlp_30s", "recall_beside_certainty", genre) for genre in table.index})
    differ = table.index[beside != table["recall"]]
    assert set(differ) == {"metal", "pop"}  # X1
    assert (beside[differ] == table["precision"][differ]).all()


def test_accuracies_above_mean_recalls():
    def spread(recall, n):
        """Return the standard deviation of the accuracy of n items drawn from ten equal classes, 5 n items in all."""
        return math.sqrt(np.var(recall) / n * (5 * n - n) / (5 * n - 1))

    found = {}
    for paper, experiment in TABLES_BY_GENRE:
        recall = by_genre(paper, experiment)["recall"]
        gap = papers.read(paper).reported(experiment) - recall.mean()
        found[experiment] = (round(100 * recall.mean(), 1), round(gap / spread(recall, 200), 1))
    assert found["mlp_30s"] == (70.7, 2.3) and found["lstm_9s"] == (70.3, 2.2)  # DeMarco X6
    assert found["lstm_6s"] == (74.6, 2.0) and found["lstm_3s"] == (92.2, 1.5) and found["mlp_3s"][0] == 66.6
    assert found["cnn_gru"][0] == 85.6 and found["cnn_lstm"] == (86.3, 2.7)  # Srivastava X3
    recall = by_genre("srivastava_2022", "cnn_lstm")
    assert round((0.875 - recall["recall"].mean()) / spread(recall["recall"], 2000), 1) == 8.5
    assert round(recall["precision"].mean(), 4) == 0.875


def test_schaldenbrand_and_he_tested_on_800_tracks():
    accuracies = papers.read("schaldenbrand_he_2019").results.query("metric == 'accuracy'")["value"].to_numpy()

    def fits(n):
        hits = np.round(accuracies * n)
        return np.all(np.abs(hits / n - accuracies) <= 0.00005 + 1e-9)

    assert [n for n in range(600, 1001) if fits(n)] == [800]  # X3
    assert np.round(accuracies * 800).tolist() == [365, 391, 396, 427, 438]
    assert [n for n in range(7000, 8001) if 6329 in (round(0.8 * n), int(0.8 * n))] == [7911, 7912]  # X2
    assert [1 + 30 * rate // hop for rate, hop in ((22050, 512), (44100, 1024), (16000, 400))] == [1292, 1292, 1201]  # X4


@pytest.mark.parametrize(
    ("paper", "better", "worse", "n", "in_standard_errors"),
    [
        ("schaldenbrand_he_2019", "conv2d_lstm", "ghosal_lstm", 800, 2.1),
        ("schaldenbrand_he_2019", "conv2d", "ghosal", 800, 1.8),
        ("schaldenbrand_he_2019", "conv2d_lstm", "conv2d", 800, 0.5),
        ("holst_2021", "exp_8", "exp_7", 1000, 1.7),
    ],
)
def test_differences_in_standard_errors(paper, better, worse, n, in_standard_errors):
    a, b = papers.read(paper).reported(better), papers.read(paper).reported(worse)
    assert round((a - b) / math.sqrt((a * (1 - a) + b * (1 - b)) / n), 1) == in_standard_errors


def test_pop_is_rarely_the_hardest_genre():
    last = [by_genre(paper, experiment)["recall"].idxmin() for paper, experiment in TABLES_BY_GENRE]
    assert last.count("pop") == 1 and len(last) == 7  # Xu X6


def conv(kernel: int, inputs: int, filters: int) -> int:
    return kernel * inputs * filters + filters


def dense(inputs: int, units: int) -> int:
    return inputs * units + units


@pytest.mark.parametrize(
    ("experiment", "kernel", "filters", "size", "padding"),
    [
        ("exp_3", 3, [128] * 2, (128, 128), "valid"),
        ("exp_3R", 3, [128] * 2, (128, 128), "valid"),
        ("exp_4", 3, [128] * 3, (128, 128), "valid"),
        ("exp_4_l2", 3, [128] * 3, (128, 128), "valid"),
        ("exp_4R", 3, [128] * 3, (128, 128), "valid"),
        ("exp_5", 3, [128, 256, 512], (128, 128), "valid"),
        ("exp_6", 3, [128] * 3, (128, 128), "same"),
        ("exp_7", 3, [128] * 6, (128, 128), "same"),
        ("exp_8", 5, [128] * 6, (128, 128), "same"),
        ("exp_9", 5, [128] * 6, (128, 128), "same"),
        ("exp_10", 5, [128] * 6, (216, 220), "same"),
    ],
)
def test_parameter_counts_of_holst_follow_from_the_layers(experiment, kernel, filters, size, padding):
    height, width = size
    for _ in filters:
        lost = kernel - 1 if padding == "valid" else 0
        height, width = (height - lost) // 2, (width - lost) // 2
    convolutions = sum(conv(kernel**2, inputs, n) for inputs, n in itertools.pairwise([3, *filters]))
    expected = convolutions + dense(height * width * filters[-1], 128) + dense(128, 10)
    assert papers.read("holst_2021").experiments["parameters"][experiment] == expected


@every_paper
def test_the_written_arithmetic_gives_the_stated_counts(paper):
    for experiment in paper.experiments.dropna(subset="arithmetic").itertuples():
        assert eval(experiment.arithmetic, {"__builtins__": {}}) == experiment.parameters, experiment.Index  # digits, + and * alone


def test_other_parameter_counts():
    numbers = papers.read("schaldenbrand_he_2019").numbers_in_text.query("unit == 'parameters'")
    assert numbers["value"].tolist() == [conv(3, 128, 128), conv(3 * 16, 1, 128)] == [49280, 6272]
    assert [conv(3 * 3, 128, 128), conv(3 * 8, 128, 128), 49280 - 6272] == [147584, 393344, 43008]  # Schaldenbrand and He X7
    assert [dense(n, 13) + dense(13, 10) for n in (57, 58)] == [894, 907]  # DeMarco X8
    assert [dense(n, 64) + dense(64, 10) for n in (57, 58)] == [4362, 4426]
    lstm = [4 * (dense(n + 64, 64) + dense(64 + 64, 64)) + dense(64, 64) + dense(64, 10) for n in (57, 58)]
    assert lstm == [69066, 69322]
    assert dense(49152, 128) + dense(128, 128) + dense(128, 10) == papers.read("holst_2021").experiments["parameters"]["exp_1"]
    five_pairs = conv(9, 3, 128) + 4 * conv(9, 128, 128) + dense(4 * 4 * 128, 128) + dense(128, 10)
    assert five_pairs == 857482  # Holst X4
    assert conv(9, 3, 128) + conv(9, 128, 256) + dense(30 * 30 * 256, 128) + dense(128, 10) == 29791370  # Holst X2


@pytest.fixture(scope="module")
def published_features(real_data) -> pd.DataFrame:
    return pd.read_csv(need(real_data, "features_30_sec.csv"))


def test_classical_is_the_darkest_genre(published_features):
    centroid = published_features.groupby("label")["spectral_centroid_mean"].mean().round().sort_values()
    assert centroid.index[0] == "classical" and list(centroid.index[-3:]) == ["metal", "disco", "pop"]  # DeMarco X10
    assert centroid[["classical", "metal", "disco", "pop"]].tolist() == [1354, 2602, 2620, 3074]


def test_clips_are_not_exactly_30_seconds_long(published_features):
    length = published_features["length"]
    assert (length.min(), length.max(), (length < 30 * 22050).sum()) == (660000, 675808, 9)  # Holst X11
    assert published_features.shape[1] - 3 == 57  # DeMarco X8


# What is refused


@pytest.mark.parametrize("name", ["papers/schema.json", "runs.schema.json"])
def test_the_schema_is_one(name):
    jsonschema.Draft7Validator.check_schema(schemas.read(name))


def test_an_unknown_paper_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"'demarco'.*" + ".*".join(papers.PAPERS)):
        papers.read("demarco")


def test_reported_refuses_unknown_names():
    paper = papers.read("holst_2021")
    with pytest.raises(SettingsError, match=r"'exp_11'.*exp_10"):
        paper.reported("exp_11")
    with pytest.raises(SettingsError, match=r"'accurracy'.*accuracy"):
        paper.reported("exp_1", "accurracy")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year: null", "year: '2024'", r"year: '2024' is not of type"),
        ("year: null", "yaer: null", r"the file: .*yaer"),
        ("headline: vgg", "headline: vggg", r"headline: there is no experiment 'vggg'"),
        ("judged_by: ranking", "judged_by: rank", r"claims\[0\]\.judged_by: 'rank' is not one of"),
        ("    rule: In vgg pop", "    rul: In vgg pop", r"claims\[4\]: .*rul"),
        ("    ranking: [vgg, [cnn, lstm, gru]]\n", "", r"claims\[0\]: 'ranking' is a required property"),
        ("metric: train_accuracy", "metric: training", r"claims\[0\]\.metric: 'training' is not one of"),
        ("metric: train_accuracy", "metric: train_loss", r"claims\[0\]\.metric: 'train_loss' is not one of"),
        ("metric: train_accuracy", "metric: recall", r"claims\[0\]: 'genre' is a required property"),
        ("[vgg, [cnn, lstm, gru]]", "[vgg, [cnn, lstm, grru]]", r"claims\[0\]\.ranking: there is no experiment 'grru'"),
        ("{value: 2, where: Dataset}", "{value: 2}", r"settings\.segmenting\.segment_s: .*where"),
        ("{value: 2, where: Dataset}", "{}", r"settings\.segmenting\.segment_s: "),
        ("  - id: C2\n", "  - id: C1\n", r"claims\[1\]\.id: 'C1' stands twice"),
        ("  - id: gru\n", "  - id: lstm\n", r"experiments\[2\]\.id: 'lstm' stands twice"),
        ("comparisons: []", "tables: []", r"'tables' stands twice"),
        ("comparisons: []", "comparisons: [", r"line \d+: "),
        ("comparisons: []", "comparisons: []\x00", r"special characters"),
        ("value: 17, unit: count", "value: many, unit: count", r"numbers_in_text\[0\]\.value: 'many' is not of type 'number'"),
        ("reproduce: true}\n\ncontradictions", "reproduce: false}\n\ncontradictions", r"figures\[5\]: 'why_not' is a required property"),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_and_place(tmp_path, old, new, message):
    assert XU.count(old) >= 1
    path = tmp_path / "mine.yml"
    path.write_text(XU.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        papers.read_file(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


TABLE = """tables:
  - where: Table 1
    unit: percent
    columns: {metric: [accuracy, loss]}
    rows: {experiment: {cnn: [50, 1.5], vgg: [60.5, 1.25]}}
"""


def test_a_paper_of_ones_own_is_read(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(XU.replace("tables: []\n", TABLE), encoding="utf-8")
    paper = papers.read_file(path)
    assert (paper.reported("vgg"), paper.reported("vgg", "loss"), paper.reported("gru")) == (0.605, 1.25, None)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[60.5, 1.25]", "[60.5]", r"line \d+: tables\[0\]\.rows\.experiment\.vgg: 1 numbers for 2 columns"),
        ("vgg: [60.5", "vg: [60.5", r"line \d+: tables\[0\]\.rows\.experiment: there is no experiment 'vg'"),
        ("[accuracy, loss]", "[accuracy, accuracy]", r"line \d+: tables\[0\]: cnn accuracy stands in an earlier place"),
        ("rows: {experiment: {cnn:", "rows: {genre: {cnn:", r"line \d+: tables\[0\]: each number needs an experiment"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, old, new, place):
    path = tmp_path / "mine.yml"
    path.write_text(XU.replace("tables: []\n", TABLE.replace(old, new)), encoding="utf-8")
    with pytest.raises(DataError, match=place):
        papers.read_file(path)


@pytest.mark.parametrize("content", [None, "", "just text", "- a list", b"\xff\xfe\x00"])
def test_a_file_that_holds_no_paper_is_refused(tmp_path, content):
    path = tmp_path / "mine.yml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=r"mine\.yml"):
        papers.read_file(path)


def test_the_named_line_is_the_wrong_one(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(XU.replace("judged_by: ranking", "judged_by: rank", 1), encoding="utf-8")
    wrong = 1 + next(i for i, line in enumerate(path.read_text(encoding="utf-8").splitlines()) if "judged_by: rank" in line)
    with pytest.raises(DataError, match=rf"mine\.yml, line {wrong}: "):
        papers.read_file(path)


def closed_places(content, place=()):
    """Find every mapping that may hold no other keys than those of the schema; groups of settings may hold any."""
    entries = enumerate(content) if isinstance(content, list) else content.items() if isinstance(content, dict) else ()
    group_of_settings = (len(place) == 2 and place[0] == "settings") or (len(place) == 3 and place[2] == "settings")
    if isinstance(content, dict) and not group_of_settings:
        yield place
    for step, entry in entries:
        yield from closed_places(entry, (*place, step))


@settings_of_hypothesis(max_examples=15)
@given(st.sampled_from(list(closed_places(yaml.safe_load(XU)))))
def test_a_surplus_key_is_refused_wherever_it_stands(tmp_path_factory, place):
    content = yaml.safe_load(XU)
    target = content
    for step in place:
        target = target[step]
    target["surplus"] = 1
    path = tmp_path_factory.mktemp("paper") / "mine.yml"
    path.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    with pytest.raises(DataError, match=f"{place[0] if place else 'the file'}.*surplus"):
        papers.read_file(path)


def test_import_is_light():
    code = "import sys, musicgenre.papers; print(sorted({'pandas', 'numpy', 'jsonschema'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
