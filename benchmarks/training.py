"""Time a training step of a model of each paper beside the plainest Keras code and the same model in plain PyTorch, on one core.

All three train whole epochs, in turn, on the same items, and are tested on one item after each. Before that their outputs and
the losses of their first two steps are compared. PyTorch is timed where it is installed.
"""

import gc
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from benchmarks.common import Row, in_turn, report
from musicgenre import experiments
from musicgenre.experiments.experiment import Experiment
from musicgenre.experiments.training import fit

N_GENRES = 10
MS_A_STEP = "ms a step"
MATRIX = 2048  # rows and columns of the large matrix product
COPIED_BYTES = 2**28


@dataclass(frozen=True)
class Case:
    """A model: paper, experiment, shape of an item, batches in an epoch, epochs."""

    paper: str
    experiment: str
    shape: tuple[int, ...]
    n_steps: int
    n_rounds: int

    @property
    def settings(self) -> Experiment:
        return experiments.get(self.paper, self.experiment)

    @property
    def batch_size(self) -> int:
        return self.settings.training.batch_size

    def build(self) -> keras.Model:
        keras.utils.set_random_seed(0)
        return self.settings.build(self.shape, N_GENRES)

    def items(self) -> tuple[np.ndarray, np.ndarray]:
        """Return as many random items as an epoch has; pictures as uint8."""
        rng, n_items = np.random.default_rng(0), self.n_steps * self.batch_size
        pictures = self.paper == "holst_2021"
        x = rng.integers(256, size=(n_items, *self.shape)).astype(np.uint8) if pictures else rng.normal(size=(n_items, *self.shape))
        return x if pictures else x.astype(np.float32), rng.integers(N_GENRES, size=n_items)


# Shapes of the profile lite, whose records the book shows.
CASES = (
    Case("demarco_2024", "mlp_3s", (57,), 500, 7),
    Case("demarco_2024", "lstm_3s", (10, 57), 100, 7),
    Case("srivastava_2022", "cnn_gru", (38, 23), 24, 5),
    Case("schaldenbrand_he_2019", "conv2d_lstm", (119, 128), 6, 5),
    Case("xu_2024", "vgg", (25, 64), 6, 5),
    Case("holst_2021", "exp_4", (128, 128, 3), 1, 3),
)


def in_torch(case: Case):
    """Write the model of a case in PyTorch, as plainly as it goes; it gives logits."""
    from torch import nn

    class Last(nn.Module):
        """The last output of a recurrent layer."""

        def __init__(self, recurrent: nn.Module):
            super().__init__()
            self.recurrent = recurrent

        def forward(self, x):
            return self.recurrent(x)[0][:, -1]

    class ToTimeFirst(nn.Module):
        """(batch, maps, time, bands) -> (batch, time, bands · maps), the order in which Keras flattens."""

        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(2)

    class Rescale(nn.Module):
        """Bytes to values between 0 and 1."""

        def forward(self, x):
            return x / 255

    def normalise(n_maps: int) -> nn.Module:
        return nn.BatchNorm2d(n_maps, eps=1e-3, momentum=0.01)  # the settings of Keras

    def pair(n_in: int, n_out: int) -> list[nn.Module]:
        first, second = (nn.Conv2d(n, n_out, 3, padding="same") for n in (n_in, n_out))
        return [first, nn.ReLU(), second, nn.ReLU(), normalise(n_out), nn.MaxPool2d(2)]

    def block(n_in: int, n_out: int, pool: int, padding: tuple[int, int]) -> list[nn.Module]:
        convolution = nn.Conv2d(n_in, n_out, 3, padding="same")
        return [convolution, nn.ReLU(), nn.MaxPool2d(pool, padding=padding, ceil_mode=True), nn.Dropout(0.1), normalise(n_out)]

    one_map = nn.Unflatten(1, (1, case.shape[0]))
    layers = {
        "demarco_2024": lambda: [nn.Linear(57, 64), nn.ReLU(), nn.Linear(64, N_GENRES), nn.Dropout(0.2)],
        "demarco_2024 lstm": lambda: [
            *(Last(nn.LSTM(57, 64, num_layers=2, batch_first=True)), nn.Linear(64, 64), nn.ReLU()),
            *(nn.Dropout(0.2), nn.Linear(64, N_GENRES)),
        ],
        "srivastava_2022": lambda: [
            *(one_map, *block(1, 64, 2, (0, 0)), *block(64, 128, 3, (1, 0)), *block(128, 128, 4, (0, 0))),
            *(ToTimeFirst(), Last(nn.GRU(128, 20, num_layers=2, batch_first=True)), nn.Linear(20, N_GENRES)),
        ],
        "schaldenbrand_he_2019": lambda: [
            *(one_map, nn.Conv2d(1, 128, (3, 16), stride=(1, 16)), nn.ReLU(), nn.MaxPool2d((2, 1)), nn.Conv2d(128, 128, (3, 8)), nn.ReLU()),
            *(ToTimeFirst(), Last(nn.LSTM(128, 128, batch_first=True)), nn.Linear(128, N_GENRES)),
        ],
        "xu_2024": lambda: [
            *(one_map, *pair(1, 32), *pair(32, 64), *pair(64, 128), ToTimeFirst(), nn.Flatten()),
            *(nn.Linear(3 * 8 * 128, 256), nn.ReLU(), nn.Linear(256, N_GENRES)),
        ],
        "holst_2021": lambda: [
            *(Rescale(), *(layer for n in (3, 128, 128) for layer in (nn.Conv2d(n, 128, 3), nn.ReLU(), nn.MaxPool2d(2)))),
            *(ToTimeFirst(), nn.Flatten(), nn.Linear(14 * 14 * 128, 128), nn.ReLU(), nn.Linear(128, N_GENRES)),
        ],
    }
    return nn.Sequential(*layers["demarco_2024 lstm" if case.experiment == "lstm_3s" else case.paper]())


def copy_weights(model: keras.Model, network) -> None:
    """Give the PyTorch network the weights of the Keras model, layer by layer in the same order."""
    import torch

    def assign(parameter, values) -> None:
        parameter.data.copy_(torch.from_numpy(np.ascontiguousarray(values)))

    # One PyTorch module holds all recurrent layers that follow each other.
    theirs = [layer for layer in network.modules() if not list(layer.children()) and list(layer.parameters())]
    places = [(layer, number) for layer in theirs for number in range(getattr(layer, "num_layers", 1))]
    for layer, (network_layer, number) in zip([layer for layer in model.layers if layer.weights], places, strict=True):
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            for name, values in zip(("weight", "bias", "running_mean", "running_var"), weights, strict=True):
                assign(getattr(network_layer, name), values)
        elif isinstance(layer, keras.layers.RNN):
            order = [1, 0, 2] if isinstance(layer, keras.layers.GRU) else [0, 1, 2, 3]  # Keras has the update gate of a GRU first
            bias = weights[2] if weights[2].ndim == 2 else [weights[2], np.zeros_like(weights[2])]
            for name, values in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), [weights[0].T, weights[1].T, *bias], strict=True):
                gates = np.split(values, len(order))
                assign(getattr(network_layer, f"{name}_l{number}"), np.concatenate([gates[i] for i in order]))
        else:
            assign(network_layer.weight, weights[0].transpose(3, 2, 0, 1) if weights[0].ndim == 4 else weights[0].T)
            assign(network_layer.bias, weights[1])


def to_torch(x: np.ndarray):
    """Return the items as PyTorch has them: pictures with the colour first."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x)


def torch_epoch(case: Case, network) -> Callable[[], None]:
    """Return the plain training loop of PyTorch: one epoch, then one item tested."""
    import torch

    x, y = case.items()
    x, y = to_torch(x), torch.from_numpy(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=case.settings.training.learning_rate)
    loss_of = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        network.train()
        order = torch.randperm(len(x))
        for rows in order.split(case.batch_size):
            optimiser.zero_grad()
            loss_of(network(x[rows]), y[rows]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            loss_of(network(x[:1]), y[:1])

    return epoch


def check(case: Case) -> None:
    """Stop where Keras and PyTorch do not compute the same: the outputs, and the losses of the first two steps without dropout."""
    import torch

    model, network = case.build(), in_torch(case)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    for layer in network.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0
    copy_weights(model, network)
    x, y = (part[: case.batch_size] for part in case.items())
    theirs, labels = to_torch(x), torch.from_numpy(y)
    network.eval()
    with torch.no_grad():
        probabilities = torch.softmax(network(theirs), dim=1).numpy()
    np.testing.assert_allclose(model(x, training=False), probabilities, rtol=1e-3, atol=1e-5, err_msg=f"{case.paper}: outputs differ")
    rate = case.settings.training.learning_rate
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", jit_compile=False)
    adam = keras.optimizers.Adam()  # in Keras, epsilon counts before the first bias correction, in PyTorch after it
    optimiser = torch.optim.Adam(network.parameters(), lr=rate, eps=adam.epsilon / (1 - adam.beta_2) ** 0.5)
    network.train()
    for _ in range(2):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(theirs), labels)
        loss.backward()
        optimiser.step()
        np.testing.assert_allclose(model.train_on_batch(x, y), loss.item(), rtol=1e-3, err_msg=f"{case.paper}: losses differ")


def keras_epoch(case: Case) -> Callable[[], None]:
    """Return one epoch of the plainest Keras code."""
    x, y = case.items()
    model = case.build()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return lambda: model.fit(x, y, batch_size=case.batch_size, validation_data=(x[:1], y[:1]), verbose=0)


def steps_alone(case: Case) -> Callable[[], None]:
    """Return an epoch of our training on one batch that stays where it is: no shuffling, no slicing, no copying."""
    model = case.build()
    x, y = (part[: case.batch_size] for part in case.items())
    fit(model, (x, y), (x[:1], y[:1]), replace(case.settings.training, epochs=1), seed=0)  # compiles it
    resident = tf.data.Dataset.from_tensors((tf.constant(x), tf.constant(y))).repeat(case.n_steps)
    return lambda: model.fit(resident, shuffle=False, validation_data=(x[:1], y[:1]), verbose=0)


def training_row(case: Case, peak_gflops: float, copied_gb_a_s: float) -> Row:
    """Train all ways in turn: the others run their epoch whenever an epoch of ours is done."""
    model = case.build()
    others: dict[str, Callable[[], None] | None] = {"Keras": keras_epoch(case), "PyTorch": None, "steps alone": steps_alone(case)}
    if importlib.util.find_spec("torch"):
        check(case)
        others["PyTorch"] = torch_epoch(case, in_torch(case))
    x, y = case.items()
    values: dict[str, list[float]] = {way: [] for way in ("ours", *others)}

    def clock(way: str, started: float) -> None:
        values[way].append((time.perf_counter() - started) * 1e3 / case.n_steps)

    def on_epoch(_: int, __: dict) -> None:
        nonlocal started
        clock("ours", started)
        for way, epoch in others.items():
            if epoch:
                started = time.perf_counter()
                epoch()
                clock(way, started)
        started = time.perf_counter()

    training = replace(case.settings.training, epochs=case.n_rounds + 1, patience=None)
    started = time.perf_counter()
    fit(model, (x, y), (x[:1], y[:1]), training, seed=0, on_epoch=on_epoch)
    values = {way: rounds[1:] for way, rounds in values.items()}  # the first is spent on compiling
    values["floor"] = [floor_ms(case, model, peak_gflops, copied_gb_a_s)] * case.n_rounds
    checked = "outputs: relative 0.001, absolute 1e-5; losses of two steps: relative 0.001"
    return Row(
        name=f"{case.paper} {case.experiment}", unit=MS_A_STEP, values=values, checked=checked, at_least=0.95, against=["Keras", "PyTorch"]
    )


def floor_ms(case: Case, model: keras.Model, peak_gflops: float, copied_gb_a_s: float) -> float:
    """Estimate the least time of a step: its multiplications at the rate of a large matrix product, then Adam's memory traffic.

    A step has three passes over the weights (forward, gradient by the inputs, gradient by the weights), two operations for each
    weight wherever it is used. Adam reads the weights, gradients and two moments and writes all but the gradients.
    """
    n_uses = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN):
            n_uses += layer.input.shape[1] * (np.prod(layer.cell.kernel.shape) + np.prod(layer.cell.recurrent_kernel.shape))
        elif hasattr(layer, "kernel"):
            n_uses += np.prod(layer.output.shape[1:-1], initial=1) * np.prod(layer.kernel.shape)
    flops = 3 * 2 * n_uses * case.batch_size
    adam_bytes = 7 * 4 * sum(np.prod(weight.shape) for weight in model.trainable_weights)
    return float(flops / (peak_gflops * 1e6) + adam_bytes / (copied_gb_a_s * 1e6))


def machine_rows() -> list[Row]:
    """Time a large matrix product and a large copy: what the machine can do at best."""
    a = np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32)
    factor = tf.constant(a)
    source, target = np.ones(COPIED_BYTES, np.uint8), np.empty(COPIED_BYTES, np.uint8)
    products = {"TensorFlow": lambda: tf.matmul(factor, factor), "NumPy": lambda: a @ a}
    seconds = in_turn(products | {"copy": lambda: np.copyto(target, source)})
    gflops = {way: [2 * MATRIX**3 / 1e9 / value for value in seconds[way]] for way in products}
    gb_a_s = [2 * COPIED_BYTES / 1e9 / value for value in seconds["copy"]]
    return [
        Row(name=f"matrix product {MATRIX}×{MATRIX}, float32", unit="GFLOP/s", values=gflops),
        Row(name="copy in memory, read and written", unit="GB/s", values={"NumPy": gb_a_s}),
    ]


def precision_row(case: Case) -> Row:
    """Time a step in mixed precision beside single precision."""
    x, y = case.items()
    epochs: dict[str, Callable[[], None]] = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        model = case.build()
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", jit_compile=False, steps_per_execution=case.n_steps)
        epochs[policy] = lambda model=model: model.fit(x, y, batch_size=case.batch_size, verbose=0)
    keras.config.set_dtype_policy("float32")
    values = in_turn(epochs, rounds=3, scale=1e3 / case.n_steps)
    return Row(name=f"{case.paper} {case.experiment}, precision", unit=MS_A_STEP, values=values)


def main() -> None:
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
    machine = machine_rows()
    peak_gflops, copied_gb_a_s = (max(max(values) for values in row.values.values()) for row in machine)
    rows = []
    for case in CASES:
        rows.append(training_row(case, peak_gflops, copied_gb_a_s))
        print(f"{rows[-1].name} done", flush=True)  # the whole takes minutes
        keras.utils.clear_session()
        gc.collect()
    rows += [precision_row(case) for case in CASES if case.paper == "xu_2024"]
    optional = ["torch"] if importlib.util.find_spec("torch") else []
    report("training", rows + machine, ["musicgenre", "keras", "tensorflow", "numpy", *optional])


if __name__ == "__main__":
    main()
