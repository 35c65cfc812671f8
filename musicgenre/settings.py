"""The three settings that come from the environment: profile, data folder and cache folder."""

import os
from enum import StrEnum
from pathlib import Path

import pooch

from musicgenre.errors import SettingsError


class Profile(StrEnum):
    """How much of the real thing a run uses; every number carries its profile.

    ``smoke``: the built-in synthetic corpus, for tests and first looks. ``lite``: real data as
    log-mel spectrograms with a long hop, for a CPU. ``full``: real audio and each paper's own
    features.
    """

    SMOKE = "smoke"
    LITE = "lite"
    FULL = "full"


def profile() -> Profile:
    """Return the profile named by ``MUSICGENRE_PROFILE``, or ``smoke``.

    Raises
    ------
    SettingsError
        If the variable holds anything but ``smoke``, ``lite`` or ``full``.
    """
    value = os.environ.get("MUSICGENRE_PROFILE") or Profile.SMOKE
    try:
        return Profile(value)
    except ValueError:
        raise SettingsError(f"MUSICGENRE_PROFILE is {value!r}; use one of {', '.join(Profile)}") from None


def data_folder() -> Path | None:
    """Return the folder of real data named by ``MUSICGENRE_DATA``, or None where it is unset.

    Raises
    ------
    SettingsError
        If the variable names something that is not a folder.
    """
    value = os.environ.get("MUSICGENRE_DATA")
    if not value:
        return None
    folder = Path(value).expanduser().resolve()
    if not folder.is_dir():
        raise SettingsError(f"MUSICGENRE_DATA is {value!r}, which is not a folder; point it at your data or unset it")
    return folder


def cache_folder() -> Path:
    """Return the folder for rendered clips, downloads and feature stores.

    ``MUSICGENRE_CACHE`` names it; the default is the cache folder that pooch gives to ``musicgenre``.
    """
    folder = Path(os.environ.get("MUSICGENRE_CACHE") or pooch.os_cache("musicgenre"))
    return folder.expanduser().resolve()
