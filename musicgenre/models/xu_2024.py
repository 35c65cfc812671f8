"""The models of Xu et al. on mel spectrograms of 2 s: a generic CNN, an LSTM, a GRU, and the final VGG.

The paper gives no sizes at all; every number here is ours. Taught in the notebook ``08_xu_2024``.
"""

import keras
from keras import layers


def cnn(input_shape: tuple[int, int], n_genres: int, *, filters: tuple[int, ...] = (32, 64, 128), units: int = 128) -> keras.Model:
    """Build the "constructed generic CNN": single convolutions with pooling, then a dense layer.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``.
    n_genres : int
        Number of classes.
    filters : tuple of int
        Filters of each convolution.
    units : int
        Size of the dense layer.
    """
    model = keras.Sequential([layers.Input(input_shape), layers.Reshape((*input_shape, 1))], name="cnn")
    for n_filters in filters:
        model.add(layers.Conv2D(n_filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    return _classify(model, n_genres, units)


def rnn(input_shape: tuple[int, int], n_genres: int, *, kind: str, cells: int = 128) -> keras.Model:
    """Build the LSTM or the GRU: two recurrent layers over the frames.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``.
    n_genres : int
        Number of classes.
    kind : {"LSTM", "GRU"}
        Kind of the recurrent layers.
    cells : int
        Size of each.
    """
    recurrent = getattr(layers, kind)
    return keras.Sequential(
        [
            layers.Input(input_shape),
            recurrent(cells, return_sequences=True),
            recurrent(cells),
            layers.Dense(n_genres, activation="softmax"),
        ],
        name=kind.lower(),
    )


def vgg(input_shape: tuple[int, int], n_genres: int, *, filters: tuple[int, ...] = (32, 64, 128), units: int = 256) -> keras.Model:
    """Build the final model: pairs of convolutions, batch normalisation and max pooling after each pair, a dense layer.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``; 173 frames of 64 bands in the paper.
    n_genres : int
        Number of classes.
    filters : tuple of int
        Filters of both convolutions of each pair; the paper says that they increase.
    units : int
        Size of the dense layer.
    """
    model = keras.Sequential([layers.Input(input_shape), layers.Reshape((*input_shape, 1))], name="vgg")
    for n_filters in filters:
        model.add(layers.Conv2D(n_filters, 3, padding="same", activation="relu"))
        model.add(layers.Conv2D(n_filters, 3, padding="same", activation="relu"))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D(2))
    return _classify(model, n_genres, units)


def _classify(model: keras.Sequential, n_genres: int, units: int) -> keras.Model:
    model.add(layers.Flatten())
    model.add(layers.Dense(units, activation="relu"))
    model.add(layers.Dense(n_genres, activation="softmax"))
    return model
