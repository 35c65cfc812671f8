"""The models of DeMarco, Martz & Ta: a small multilayer perceptron (MLP) and a two-layer LSTM.

Taught in the notebook ``04_demarco_2024``.
"""

import keras
from keras import layers


def mlp(input_shape: tuple[int], n_genres: int, *, hidden: int, dropout: float = 0.2) -> keras.Model:
    """Build the MLP on one feature vector (sections 4 and 5.3).

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_features,)``; the paper says 58, the table holds 57.
    n_genres : int
        Number of classes.
    hidden : int
        Hidden units: 13 for vectors of 30 s, 64 for vectors of 3 s. The paper's section 4 calls them "hidden layers".
    dropout : float
        Rate of the dropout that the paper puts between the last linear layer and the softmax; the rate is unsaid.
        So is the activation between the layers; ReLU is ours.
    """
    return keras.Sequential(
        [
            layers.Input(input_shape),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(n_genres),
            layers.Dropout(dropout),
            layers.Softmax(),
        ],
        name="mlp",
    )


def lstm(input_shape: tuple[int, int], n_genres: int, *, units: int = 64, dropout: float = 0.2) -> keras.Model:
    """Build the LSTM on a sequence of feature vectors (section 5.3).

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_slices, n_features)``: 10 slices of 3 s, 5 of 6 s or 3 of 9 s.
    n_genres : int
        Number of classes.
    units : int
        Size of both LSTM layers and of the dense layer.
    dropout : float
        Rate before the output layer; unsaid in the paper.
    """
    return keras.Sequential(
        [
            layers.Input(input_shape),
            layers.LSTM(units, return_sequences=True),
            layers.LSTM(units),
            layers.Dense(units, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(n_genres, activation="softmax"),
        ],
        name="lstm",
    )
