"""Mel spectrograms as colour pictures, without drawing them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from musicgenre.errors import SettingsError
from musicgenre.features.spectral import LogMel


@lru_cache
def _viridis() -> np.ndarray:
    from matplotlib import colormaps

    return colormaps["viridis"](np.arange(256), bytes=True)[:, :3]


def colour_image(log_mel: np.ndarray, size: tuple[int, int] = (128, 128)) -> np.ndarray:
    """Colour a log-mel spectrogram as ``matplotlib.pyplot.imshow(log_mel.T)`` does, and resize it.

    Parameters
    ----------
    log_mel : numpy.ndarray
        dB, shape (n_frames, n_mels). Its minimum becomes the darkest, its maximum the lightest colour of viridis.
    size : tuple of int
        Height and width of the picture in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3): time from left to right, low frequencies at the top, where ``imshow`` puts
        the first row of a matrix.

    Notes
    -----
    The picture is coloured first and resized then, with PIL's bilinear filter: of PIL's filters, and of the two orders, this
    comes closest to a spectrogram that matplotlib draws on its default figure and PIL scales to the same size.

    Taught in the notebook ``09_holst_2021``.
    """
    from PIL import Image

    low, high = log_mel.min(), log_mel.max()
    level = np.minimum((log_mel.T - low) * (256 / (high - low or 1)), 255).astype(np.uint8)
    height, width = size
    return np.asarray(Image.fromarray(_viridis()[level]).resize((width, height), Image.Resampling.BILINEAR))


@dataclass(frozen=True, kw_only=True)
class MelImage(LogMel):
    """Picture of the log-mel spectrogram of each segment in viridis colours: uint8 (height, width, 3).

    Parameters
    ----------
    size : tuple of int
        Height and width in pixels. Other parameters as :class:`LogMel`.

    Notes
    -----
    Taught in the notebook ``09_holst_2021``.
    """

    name: ClassVar[str] = "mel_image"
    version: ClassVar[int] = 1

    size: tuple[int, int] = (128, 128)

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.size, tuple) or len(self.size) != 2 or not all(isinstance(n, int) and n > 0 for n in self.size):
            raise SettingsError(f"size={self.size!r} is not the height and the width of a picture in pixels, such as [128,128]")

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.size, 3)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.uint8)

    def of_segment(self, samples: np.ndarray) -> np.ndarray:
        return colour_image(super().of_segment(samples), self.size)
