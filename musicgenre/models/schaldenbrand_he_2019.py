"""The models of Schaldenbrand & He: 1D against 2D convolutions over log-mel spectrograms of whole clips.

In all of them the input is ``(n_frames, n_mels)``. A 1D filter spans every mel band; a 2D filter spans 16 bands and is moved
over the bands without overlap. Taught in the notebook ``07_schaldenbrand_he_2019``.
"""

import keras
from keras import layers


def dieleman(
    input_shape: tuple[int, int], n_genres: int, *, filters: tuple[int, int, int] = (128, 128, 128), units: int = 128
) -> keras.Model:
    """Build the "Dieleman model" (section 3.1): three 1D convolutions, global pooling, two dense layers.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``.
    n_genres : int
        Number of classes.
    filters : tuple of int
        Filters of the convolutions. The paper chose them on the validation set and does not say them; the original
        at Spotify had 256 to 512.
    units : int
        Hidden units of the first dense layer; likewise unsaid, 2,048 in the original.
    """
    inputs = keras.Input(input_shape)
    x = layers.Conv1D(filters[0], 3, activation="relu")(inputs)
    x = layers.MaxPooling1D(4)(x)
    x = layers.Conv1D(filters[1], 3, activation="relu")(x)
    x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(filters[2], 3, activation="relu")(x)
    x = layers.Concatenate()([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(n_genres, activation="softmax")(x), name="dieleman")


def ghosal(
    input_shape: tuple[int, int], n_genres: int, *, lstm: bool, filters: tuple[int, int] = (128, 128), units: int = 128
) -> keras.Model:
    """Build the "Ghosal model" (section 3.1), with global max pooling or with an LSTM at its end.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``.
    n_genres : int
        Number of classes.
    lstm : bool
        Read the frames with an LSTM and keep its last state, in place of global max pooling.
    filters : tuple of int
        Filters of the convolutions; 128 in the first, which then has the 49,280 parameters of section 3.2.
    units : int
        Size of the LSTM; unsaid.
    """
    end = layers.LSTM(units) if lstm else layers.GlobalMaxPooling1D()
    return keras.Sequential(
        [
            layers.Input(input_shape),
            layers.Conv1D(filters[0], 3, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(filters[1], 3, activation="relu"),
            end,
            layers.Dense(n_genres, activation="softmax"),
        ],
        name="ghosal_lstm" if lstm else "ghosal",
    )


def conv2d(
    input_shape: tuple[int, int], n_genres: int, *, lstm: bool, filters: tuple[int, int] = (128, 128), units: int = 128
) -> keras.Model:
    """Build the "2D Conv. Model", or the "2D Conv. + LSTM Model" (section 3.2): Ghosal's with 2D convolutions.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mels)``.
    n_genres : int
        Number of classes.
    lstm : bool
        As in :func:`ghosal`.
    filters : tuple of int
        Filters of the convolutions; 128 in the first, which then has the 6,272 parameters of section 3.2. It leaves a
        sixteenth of the bands; the second filter spans all of those, as the second 1D filter does, and is ours.
    units : int
        Size of the LSTM; unsaid.
    """
    n_frames, n_mels = input_shape
    n_bands = n_mels // 16
    model = keras.Sequential(
        [
            layers.Input(input_shape),
            layers.Reshape((n_frames, n_mels, 1)),
            layers.Conv2D(filters[0], (3, 16), strides=(1, 16), activation="relu"),
            layers.MaxPooling2D((2, 1)),
            layers.Conv2D(filters[1], (3, n_bands), activation="relu"),
        ],
        name="conv2d_lstm" if lstm else "conv2d",
    )
    if lstm:
        model.add(layers.Reshape((model.output_shape[1], filters[1])))
        model.add(layers.LSTM(units))
    else:
        model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(n_genres, activation="softmax"))
    return model


def logistic_regression(input_shape: tuple[int, int], n_genres: int) -> keras.Model:
    """Build logistic regression on every value of the spectrogram, with which the authors "were unable to learn much"."""
    return keras.Sequential(
        [layers.Input(input_shape), layers.Flatten(), layers.Dense(n_genres, activation="softmax")], name="logistic_regression"
    )
