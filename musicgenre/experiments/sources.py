"""Where the items of an experiment come from in each profile: audio, a feature table, or a log-mel archive."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from musicgenre import corpora
from musicgenre.corpora.corpus import Corpus
from musicgenre.errors import DataError
from musicgenre.features import archives, store
from musicgenre.settings import Profile


def corpus_of(profile: Profile, data: Path | None, name: str = "gtzan") -> Corpus:
    """Return the corpus with audio that a profile uses: the built-in one, or the real one of this name."""
    if profile is Profile.SMOKE:
        return corpora.load("synthetic")
    if data is None:
        raise DataError(
            f"the profile {profile} needs real data: set MUSICGENRE_DATA to the folder that holds {name}, or use the profile smoke"
        )
    return corpora.load(name, data)


def extracted(corpus: Corpus, feature) -> tuple[Corpus, np.ndarray, dict]:
    """Extract a feature (or find it in its store), with a progress bar in a terminal alone.

    Returns
    -------
    tuple
        The usable clips; the values; the feature's description.
    """
    usable, values = store.extract(corpus, feature, progress=sys.stderr.isatty()).read()
    return usable, values, store.describe(feature)


@lru_cache(maxsize=1)
def lite_log_mel(data: Path | None, name: str = "gtzan") -> tuple[Corpus, np.ndarray, dict]:
    """Return the log-mel spectrograms of the profile ``lite``: of the archive where there is one, else from audio.

    Returns
    -------
    tuple
        The corpus; values in dB, float32, (n_clips, 1, n_frames, n_mels); the feature's description.
    """
    file_name, feature = archives.ARCHIVES[name]
    archive = archives.find(data, file_name)
    if archive is None:
        return extracted(corpus_of(Profile.LITE, data, name), feature)
    filled = archives.import_log_mel(name, archive, progress=sys.stderr.isatty())
    return *filled.read(), store.describe(feature, filled.source)
