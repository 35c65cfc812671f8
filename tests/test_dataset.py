"""The data sets of the experiments: segments cut from frames, and what is made of audio where nothing else is at hand."""

import re

import handmade
import numpy as np
import pytest
import soundfile
from conftest import ROOT

from musicgenre import experiments
from musicgenre.errors import DataError
from musicgenre.experiments import Dataset, cut
from musicgenre.settings import Profile


@pytest.mark.parametrize(("segment_s", "n_segments"), [(2, 14), (3, 10), (6, 5), (9, 3)])
def test_segments_follow_each_other_and_share_no_frame(segment_s, n_segments):
    n_frames, clip_s = 387, 30
    numbered = np.arange(2 * n_frames).reshape(2, 1, n_frames, 1)
    segments = cut(numbered, clip_s=clip_s, segment_s=segment_s, n_segments=n_segments)[..., 0]
    assert (np.diff(segments, axis=2) == 1).all()
    assert (segments[:, 1:, 0] > segments[:, :-1, -1]).all()
    assert np.allclose(segments[0, :, 0] / n_frames * clip_s, segment_s * np.arange(n_segments), atol=clip_s / n_frames)
    assert (segments[1] - segments[0] == n_frames).all()


def test_values_of_other_clips_are_refused():
    """Else every genre after the missing clip would stand beside another's values."""
    data = handmade.dataset(n_per_genre=2)
    values = data.x.reshape(len(data.corpus), 1, -1)
    with pytest.raises(DataError, match="values of 19 clips for the 20 of handmade"):
        Dataset.from_segments(data.corpus, values[1:], data.feature)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Two clips of noise where GTZAN would be, and no archive."""
    data, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for track_id in ("blues.00000", "rock.00001"):
        folder = data / "genres" / track_id.split(".")[0]
        folder.mkdir(parents=True)
        soundfile.write(folder / f"{track_id}.wav", 0.1 * rng.normal(size=30 * 22050), 22050)
    return data


@pytest.mark.parametrize(
    ("paper", "name", "lite", "full"),
    [
        ("srivastava_2022", "cnn_gru", (20, 38, 23), (20, 130, 23)),
        ("xu_2024", "vgg", (28, 25, 64), (28, 173, 64)),
        ("holst_2021", "exp_8", (20, 64, 64, 3), (20, 128, 128, 3)),
        ("demarco_2024", "mlp_30s", (2, 57), (2, 57)),
        ("demarco_2024", "lstm_3s", (2, 10, 40), (2, 10, 57)),
        ("demarco_2024", "lstm_10s", (2, 3, 57), (2, 3, 57)),
    ],
)
def test_audio_alone_is_enough(music, paper, name, lite, full):
    for profile, shape in ((Profile.LITE, lite), (Profile.FULL, full)):
        made = experiments.get(paper, name).dataset(profile, music)
        assert made.x.shape == shape and np.isfinite(made.x).all()
        assert made.feature["source"] == "audio"


def test_the_readme_makes_a_data_set_and_its_parts_of_a_folder_of_music(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    rng = np.random.default_rng(0)
    for genre in ("blues", "rock"):
        (tmp_path / "folder of music" / genre).mkdir(parents=True)
        for i in range(10):
            soundfile.write(tmp_path / "folder of music" / genre / f"{i}.wav", 0.1 * rng.normal(size=30 * 22050), 22050)
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(example, made)
    assert made["data"].x.shape[:1] == made["data"].y.shape == (200,)
    assert sorted(np.concatenate([made["parts"].train, made["parts"].valid, made["parts"].test])) == list(range(200))
