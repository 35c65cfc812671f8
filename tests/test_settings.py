"""Settings from the environment: what is wrong is named."""

import pytest

from musicgenre import settings
from musicgenre.errors import SettingsError
from musicgenre.settings import Profile


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv("MUSICGENRE_PROFILE", "tiny")
    with pytest.raises(SettingsError, match="MUSICGENRE_PROFILE is 'tiny'; use one of smoke, lite, full"):
        settings.profile()


def test_the_data_folder_must_be_there(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSICGENRE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="which is not a folder; point it at your data or unset it"):
        settings.data_folder()
    monkeypatch.setenv("MUSICGENRE_DATA", str(tmp_path))
    assert settings.data_folder() == tmp_path


@pytest.mark.parametrize("value", ["", None])
def test_what_is_unset_or_empty_has_a_default(monkeypatch, value):
    for name in ("MUSICGENRE_PROFILE", "MUSICGENRE_DATA"):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert settings.profile() is Profile.SMOKE and settings.data_folder() is None
