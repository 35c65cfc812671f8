"""Training: deterministic, stoppable, and never touched by the test part."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from musicgenre import experiments
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError, DivergenceError, LeakError, SettingsError
from musicgenre.experiments import Dataset, Experiment, Training, best_epoch
from musicgenre.experiments.experiment import with_normalisation
from musicgenre.experiments.training import Checkpoint, fit
from musicgenre.models import demarco_2024 as models
from musicgenre.settings import Profile
from musicgenre.splits import Split

run = partial(experiments.run, profile=Profile.SMOKE)


@pytest.fixture
def dataset():
    """60 clips of three genres, two items each, in four numbers of which one tells the genre."""
    rng = np.random.default_rng(0)
    track_ids = [f"{genre}.{i:05d}" for genre in ("blues", "jazz", "rock") for i in range(20)]
    corpus = Corpus("test", pd.DataFrame({"genre": [track_id.split(".")[0] for track_id in track_ids]}, index=track_ids))
    values = rng.normal(size=(60, 2, 4)).astype(np.float32) * [1, 10, 100, 1] + [0, 5, -50, 0]
    values[..., 3] += 3 * corpus.labels[:, None]
    return Dataset.from_segments(corpus, values.astype(np.float32), {"name": "numbers", "digest": "0" * 16, "source": "test"})


def experiment(**changes):
    settings = {"paper": "test", "id": "mlp", "dataset": None, "build": lambda *shape: models.mlp(*shape, hidden=8)}
    return Experiment(**settings | {"training": Training(epochs=6, batch_size=8, learning_rate=0.01)} | changes)


def build(seed=3):
    import keras

    keras.utils.set_random_seed(seed)
    return models.mlp((4,), 3, hidden=8)


def test_a_selection_keeps_items_with_their_clips_and_genres(dataset):
    kept = (dataset.items["genre"] != "jazz").to_numpy() & (np.arange(len(dataset.x)) % 3 > 0)
    few = dataset.select(kept)
    assert np.array_equal(few.x, dataset.x[kept]) and few.items.index.tolist() == list(range(kept.sum()))
    assert (few.items["track_id"].to_numpy() == dataset.items["track_id"][kept].to_numpy()).all()
    assert set(few.corpus.clips.index) == set(few.items["track_id"]) and few.genres == ("blues", "rock")
    assert few.feature == dataset.feature and len(dataset.x) == 120


def test_two_runs_with_one_seed_are_equal_and_learn(dataset):
    first, second = (run(experiment(), dataset, "tracks", seed=1) for _ in range(2))
    assert np.array_equal(first.probabilities, second.probabilities)
    assert first.history == second.history
    true = dataset.y[first.split.test]
    assert (first.probabilities.argmax(axis=1) == true).mean() > 0.6
    assert not np.array_equal(first.probabilities, run(experiment(), dataset, "tracks", seed=2).probabilities)


def test_two_epochs_are_those_made_by_hand(dataset):
    import keras

    x, y = dataset.x, dataset.y
    train, valid = (x[:80], y[:80]), (x[80:], y[80:])
    history = fit(build(), train, valid, Training(epochs=2, batch_size=8, learning_rate=0.01), seed=3)
    by_hand, model = [], build()
    model.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    for epoch in range(2):
        order = np.random.default_rng([3, epoch]).permutation(80)
        logs = model.fit(x[order], y[order], batch_size=8, shuffle=False, validation_data=valid, verbose=0).history
        by_hand.append((logs["loss"][0], logs["val_loss"][0]))
    np.testing.assert_allclose([history["loss"], history["val_loss"]], np.transpose(by_hand), rtol=1e-4)


@pytest.mark.parametrize("stop_after", [1, 4])
def test_a_stopped_training_ends_as_one_in_one_go(dataset, tmp_path, stop_after):
    x, y = dataset.x, dataset.y
    parts, training = ((x[:80], y[:80]), (x[80:], y[80:])), Training(epochs=6, batch_size=8)
    whole = build()
    history = fit(whole, *parts, training, seed=3)

    def stop(epoch, _):
        if epoch == stop_after:
            raise KeyboardInterrupt

    file = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        fit(build(), *parts, training, seed=3, checkpoint=Checkpoint(file), on_epoch=stop)
    resumed, checkpoint = build(seed=99), Checkpoint(file)  # what a new process starts with does not matter
    assert fit(resumed, *parts, training, seed=3, checkpoint=checkpoint) == history
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
    assert checkpoint.earlier_s > 0


def with_dropout(shape, n_genres):
    """Build the model of these tests with dropout at another rate: as many weights, of the same shapes."""
    return models.mlp(shape, n_genres, hidden=8, dropout=0.9)


@pytest.mark.parametrize("changes", [{"test_fraction": 0.3}, {"build": with_dropout}, {"normalise": None}])
def test_a_run_does_not_go_on_from_the_training_of_another(dataset, tmp_path, changes):
    def stop(epoch, _):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(experiment(**changes), dataset, "tracks", checkpoint=tmp_path / "state.npz", on_epoch=stop)
    with pytest.warns(UserWarning, match=r"state\.npz is of a training on other items, settings or versions; this one starts anew"):
        outcome = run(experiment(), dataset, "tracks", checkpoint=tmp_path / "state.npz")
    assert outcome.history == run(experiment(), dataset, "tracks").history


def test_a_run_does_not_go_on_from_that_of_another_seed(dataset, tmp_path):
    part = np.repeat(["train", "train", "valid", "test"] * 15, 2)  # of the two items of each track
    fixed = replace(dataset, items=dataset.items.assign(fault_filtered=part))
    run(experiment(), fixed, "fault_filtered", seed=0, checkpoint=tmp_path / "state.npz")
    with pytest.warns(UserWarning, match="starts anew"):
        outcome = run(experiment(), fixed, "fault_filtered", seed=1, checkpoint=tmp_path / "state.npz")
    assert outcome.history == run(experiment(), fixed, "fault_filtered", seed=1).history


def test_a_run_does_not_go_on_with_other_items(dataset, tmp_path):
    run(experiment(), dataset, "tracks", checkpoint=tmp_path / "state.npz")
    with pytest.warns(UserWarning, match="starts anew"):
        run(experiment(), replace(dataset, x=dataset.x + 1), "tracks", checkpoint=tmp_path / "state.npz")


def test_a_run_does_not_go_on_with_other_labels(dataset, tmp_path):
    part = np.repeat(["train", "train", "valid", "test"] * 15, 2)  # a fixed split: the same whatever the labels
    fixed = replace(dataset, items=dataset.items.assign(fault_filtered=part))
    run(experiment(), fixed, "fault_filtered", checkpoint=tmp_path / "state.npz")
    renamed = fixed.items.assign(genre=fixed.items["genre"].map({"blues": "jazz", "jazz": "blues", "rock": "rock"}))
    with pytest.warns(UserWarning, match="starts anew"):
        run(experiment(), replace(fixed, items=renamed), "fault_filtered", checkpoint=tmp_path / "state.npz")


@pytest.mark.parametrize("size", [0, 100])
def test_a_damaged_checkpoint_is_named(dataset, tmp_path, size):
    run(experiment(), dataset, "tracks", checkpoint=tmp_path / "state.npz")
    (tmp_path / "state.npz").write_bytes((tmp_path / "state.npz").read_bytes()[:size])
    with pytest.raises(DataError, match=r"state\.npz: the checkpoint is damaged .*; delete it to train from the start"):
        run(experiment(), dataset, "tracks", checkpoint=tmp_path / "state.npz")


@pytest.mark.parametrize(
    ("wrong", "message"), [({"keep": "lst"}, "keep='lst'; use best or last"), ({"patience": 0}, "patience=0; use 1 or")]
)
def test_wrong_training_settings_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        Training(epochs=1, batch_size=1, **wrong)


def test_the_time_of_a_run_counts_the_epochs_before_it_was_stopped(dataset, tmp_path):
    def stop(epoch, _):
        raise KeyboardInterrupt

    file = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        run(experiment(), dataset, "tracks", checkpoint=file, on_epoch=stop)
    with np.load(file) as saved:
        state = dict(saved)
    state["about"] = np.array(json.dumps(json.loads(str(state["about"])) | {"seconds": 10_000.0}))
    np.savez(file, **state)
    assert run(experiment(), dataset, "tracks", checkpoint=file).wall_time_s > 10_000


TOO_HIGH = 1e38  # a learning rate whose first step leaves float32; items that are not finite do not: some kernels turn NaN into 0


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_training_that_diverges_at_once_is_refused(dataset, keep):
    x, y = dataset.x, dataset.y
    training = Training(epochs=2, batch_size=8, learning_rate=TOO_HIGH, keep=keep)
    with pytest.raises(DivergenceError, match="diverged in epoch 1"):
        fit(build(), (x[:80], y[:80]), (x[80:], y[80:]), training, seed=0)


def test_a_training_that_diverges_later_ends_with_the_best_epoch(dataset):
    model = build()
    x, y = dataset.x, dataset.y

    def spoil(epoch, _):
        if epoch == 2:
            model.optimizer.learning_rate = TOO_HIGH

    parts = (x[:80], y[:80]), (x[80:], y[80:])
    history = fit(model, *parts, Training(epochs=5, batch_size=8), seed=0, on_epoch=spoil)
    assert len(history["loss"]) == 2 and np.isfinite(history["val_loss"]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_early_stopping_ends_after_its_patience_and_keeps_the_best_epoch(dataset):
    x, y = dataset.x, dataset.y
    noise = (x[:40], np.random.default_rng(0).integers(0, 3, 40))  # nothing to learn: the validation loss soon rises
    model = build()
    history = fit(model, noise, (x[80:], y[80:]), Training(epochs=60, batch_size=4, learning_rate=0.05, patience=3), seed=0)
    best = best_epoch(history)
    assert len(history["loss"]) == best + 3 < 60
    loss = model.evaluate(x[80:], y[80:], verbose=0)[0]
    assert loss == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_where_the_last_epoch_is_kept_its_weights_are(dataset):
    x, y = dataset.x, dataset.y
    noise = (x[:40], np.random.default_rng(0).integers(0, 3, 40))
    model = build()
    history = fit(model, noise, (x[80:], y[80:]), Training(epochs=12, batch_size=4, learning_rate=0.05, keep="last"), seed=0)
    assert len(history["loss"]) == 12 > best_epoch(history)
    assert model.evaluate(x[80:], y[80:], verbose=0)[0] == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_the_last_epoch_is_kept_where_the_paper_trains_to_the_end(dataset):
    outcome = run(experiment(training=Training(epochs=4, batch_size=8, keep="last")), dataset, "tracks")
    assert outcome.best_epoch == 4


def test_the_test_part_is_never_seen_in_training(dataset):
    outcome = run(experiment(), dataset, "tracks", seed=5)
    spoilt = dataset.x.copy()
    spoilt[outcome.split.test] = 1e6
    spoilt = Dataset(spoilt, dataset.items, dataset.corpus, dataset.feature)
    again = run(experiment(), spoilt, "tracks", seed=5)
    assert again.history == outcome.history
    for ours, theirs in zip(again.model.get_weights(), outcome.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("shape", "axes", "kept"), [((7, 4), (-1,), (2,)), ((7, 4), (0, 1), (1, 2)), ((5, 4, 1), (1,), (2,)), ((4,), (), ())]
)
def test_normalisation_gives_zero_mean_and_unit_variance(shape, axes, kept):
    import keras

    x = np.random.default_rng(1).normal(3, 7, size=(50, *shape)).astype(np.float32)
    inputs = keras.Input(shape)
    core = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    normalised = with_normalisation(core, x, axes).predict(x, verbose=0)
    others = tuple(axis for axis in range(x.ndim) if axis not in kept)
    assert np.allclose(normalised.mean(axis=others), 0, atol=1e-4)
    assert np.allclose(normalised.std(axis=others), 1, atol=1e-3)


def test_what_is_constant_in_training_is_centred_and_not_scaled():
    import keras

    x = np.ones((50, 2), np.float32) * np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    x[:, 1] = 3
    inputs = keras.Input((2,))
    model = with_normalisation(keras.Model(inputs, keras.layers.Activation("linear")(inputs)), x, (0,))
    assert np.allclose(model.predict(np.array([[0.5, 3.5]], np.float32), verbose=0), [[0, 0.5]], atol=1e-5)


def test_normalisation_is_fitted_on_the_training_part_alone(dataset):
    outcome = run(experiment(), dataset, "tracks", seed=5)
    (layer,) = (layer for layer in outcome.model.layers if type(layer).__name__ == "Normalization")
    train = dataset.x[outcome.split.train].astype(np.float64)
    assert np.allclose(np.ravel(layer.mean), train.mean(axis=0), rtol=1e-5)
    assert np.allclose(np.ravel(layer.variance), train.var(axis=0), rtol=1e-4)


def test_normalisation_of_many_blocks_is_that_of_one(monkeypatch):
    import keras

    x = np.random.default_rng(1).normal(3, 7, size=(50, 7, 4)).astype(np.float32)
    inputs = keras.Input((7, 4))
    core = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    monkeypatch.setattr("musicgenre.experiments.experiment.BLOCK_BYTES", 1000)
    assert np.allclose(with_normalisation(core, x, (-1,)).predict(x, verbose=0).std(axis=(0, 1)), 1, atol=1e-3)


def test_a_preparation_that_leaks_is_refused(dataset):
    def leak(dataset, split, seed):
        return dataset, Split(split.protocol, np.append(split.train, split.test[0]), split.valid, split.test, split.left_out)

    with pytest.raises(LeakError, match="an item is in two parts"):
        run(experiment(prepare=leak), dataset, "tracks")
