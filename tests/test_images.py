"""Viridis pictures against what matplotlib draws."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from test_features import music

from musicgenre.features import LogMel, MelImage
from musicgenre.features.images import colour_image


def drawn(log_mel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draw the spectrogram with imshow on a figure of 432 x 288 pixels, cut it out, and resize it with PIL."""
    figure = Figure(figsize=(6, 4), dpi=72)
    axes = figure.add_subplot()
    axes.imshow(log_mel.T)
    axes.set_axis_off()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = axes.get_window_extent()
    rows = slice(int(np.ceil(288 - box.y1)), int(288 - box.y0))
    columns = slice(int(np.ceil(box.x0)), int(box.x1))
    picture = np.asarray(canvas.buffer_rgba())[rows, columns, :3]
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize("size", [(128, 128), (216, 220)])
def test_pictures_look_as_matplotlib_draws_them(size):
    clip = music(6)
    with mpl.rc_context(mpl.rcParamsDefault):
        references = [drawn(log_mel, size) for log_mel in LogMel(n_segments=2)(clip)]
    for picture, reference in zip(MelImage(n_segments=2, size=size)(clip), references, strict=True):
        off = np.abs(picture.astype(int) - reference)
        upside_down = np.abs(picture[::-1].astype(int) - reference)
        assert off.mean() < 4  # of 255 levels
        assert upside_down.mean() > 3 * off.mean()


def test_a_low_tone_is_light_at_the_top():
    tone = np.sin(2 * np.pi * 220 * np.arange(3 * 22050) / 22050).astype(np.float32)
    brightness = MelImage(n_segments=1)(tone)[0].sum(axis=(1, 2))
    assert brightness.argmax() < 20


def test_ends_of_the_scale_are_the_ends_of_viridis():
    ramp = np.tile(np.linspace(-80, 0, 128, dtype=np.float32), (128, 1))
    picture = colour_image(ramp, (128, 128))
    assert picture.shape == (128, 128, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[0, 0], [68, 1, 84])
    np.testing.assert_array_equal(picture[-1, 0], [253, 231, 36])


@given(st.floats(-60, 60), st.floats(0.1, 10))
def test_colours_do_not_depend_on_level_or_range(offset_db, stretch):
    log_mel = LogMel(n_segments=1)(music(3))[0]
    off = np.abs(colour_image(log_mel).astype(int) - colour_image(log_mel * np.float32(stretch) + np.float32(offset_db)))
    assert off.max() <= 4  # rounding to the neighbouring colour


def test_a_silent_segment_is_one_colour():
    picture = MelImage(n_segments=1)(np.zeros(3 * 22050, np.float32))[0]
    assert (picture == picture[0, 0]).all()


@pytest.mark.parametrize("shape", [(39, 128), (13, 128), (130, 64)])
def test_coarse_spectrograms_are_coloured_too(shape):
    log_mel = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert colour_image(log_mel, (216, 220)).shape == (216, 220, 3)
