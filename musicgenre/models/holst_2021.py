"""The models of Holst's ten experiments on pictures of mel spectrograms.

Taught in the notebook ``09_holst_2021``.
"""

import keras
from keras import layers


def dnn(input_shape: tuple[int, int, int], n_genres: int, *, l2: float | None = None) -> keras.Model:
    """Build the network without convolutions (experiments 1 and 2): 6,309,386 parameters on pictures of 128×128.

    Parameters
    ----------
    input_shape : tuple of int
        ``(height, width, 3)``, colours 0 to 255.
    n_genres : int
        Number of classes.
    l2 : float, optional
        L2 penalty on the weights of the hidden layers; 0.003 in the paper.
    """
    hidden = [layers.Dense(128, activation="relu", kernel_regularizer=_penalty(l2)) for _ in range(2)]
    return keras.Sequential(
        [
            layers.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            *hidden,
            layers.Dense(n_genres, activation="softmax"),
        ],
        name="dnn",
    )


def cnn(
    input_shape: tuple[int, int, int],
    n_genres: int,
    *,
    filters: tuple[int, ...],
    kernel: int = 3,
    padding: str = "valid",
    dropout: float | None = None,
    l2: float | None = None,
) -> keras.Model:
    """Build a convolutional network of the experiments 3 to 10: pairs of convolution and max pooling, then 128 units.

    Parameters
    ----------
    input_shape : tuple of int
        ``(height, width, 3)``, colours 0 to 255.
    n_genres : int
        Number of classes.
    filters : tuple of int
        Filters of each pair's convolution; the paper's table calls them nodes.
    kernel : int
        Height and width of the filters.
    padding : {"valid", "same"}
        Whether the convolutions shrink the picture.
    dropout : float, optional
        Rate between the pairs (and before the flattening: "between each Convnet + Max Pool pairing").
    l2 : float, optional
        L2 penalty on the weights of the hidden dense layer; 0.003 in the paper, which does not say whether the convolutions
        have it too.

    Notes
    -----
    The paper prints a stride of 1 for the pooling; only a stride of 2 gives its sizes and parameter counts.
    """
    model = keras.Sequential([layers.Input(input_shape), layers.Rescaling(1 / 255)], name="cnn")
    for n_filters in filters:
        model.add(layers.Conv2D(n_filters, kernel, padding=padding, activation="relu"))
        model.add(layers.MaxPooling2D(2))
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu", kernel_regularizer=_penalty(l2), name="hidden"))
    model.add(layers.Dense(n_genres, activation="softmax"))
    return model


def _penalty(l2: float | None):
    return keras.regularizers.L2(l2) if l2 else None
