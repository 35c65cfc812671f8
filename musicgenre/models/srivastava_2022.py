"""The models of Srivastava et al.: three convolutions over MFCCs, then two recurrent layers (CRNN).

Taught in the notebook ``06_srivastava_2022``.
"""

import keras
from keras import layers

POOLS = ((2, 2), (3, 3), (4, 4))


def crnn(
    input_shape: tuple[int, int],
    n_genres: int,
    *,
    rnn: str,
    cells: int,
    filters: tuple[int, int, int] = (64, 128, 128),
    pool_padding: str = "same",
    dropout: float = 0.1,
) -> keras.Model:
    """Build CNN-GRU (Table I) or CNN-LSTM (Table II).

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_frames, n_mfcc)``; the paper has 23 MFCCs.
    n_genres : int
        Number of classes.
    rnn : {"GRU", "LSTM"}
        Kind of the two recurrent layers.
    cells : int
        Size of each: 20 for the GRU, 30 for the LSTM.
    filters : tuple of int
        Filters of the convolutions; unsaid in the paper. Ours are those of Choi et al., whom it follows.
    pool_padding : {"same", "valid"}
        ``valid`` is Keras' default and cannot work: pools of 2, 3 and 4 leave 23, 11, 3, 0 coefficients.
    dropout : float
        After each pooling.

    Raises
    ------
    ValueError
        By Keras, where the pools leave nothing of the coefficients or frames.
    """
    recurrent = getattr(layers, rnn)
    model = keras.Sequential([layers.Input(input_shape), layers.Reshape((*input_shape, 1))], name=f"cnn_{rnn.lower()}")
    for n_filters, pool in zip(filters, POOLS, strict=True):
        model.add(layers.Conv2D(n_filters, (3, 3), padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(pool, padding=pool_padding))
        model.add(layers.Dropout(dropout))
        model.add(layers.BatchNormalization())
    _, n_steps, n_bands, n_maps = model.output_shape
    model.add(layers.Reshape((n_steps, n_bands * n_maps)))
    model.add(recurrent(cells, return_sequences=True))
    model.add(recurrent(cells))
    model.add(layers.Dense(n_genres, activation="softmax"))
    return model
