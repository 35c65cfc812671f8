"""Where clips come from: built in, GTZAN, FMA-small, or anyone's own folder. Each source gives a :class:`.corpus.Corpus`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from musicgenre import settings
from musicgenre.errors import DataError, SettingsError

if TYPE_CHECKING:
    from musicgenre.corpora.corpus import Corpus

NAMES = ("synthetic", "gtzan", "fma_small")


def load(name_or_folder: str | Path, data: str | Path | None = None) -> Corpus:
    """Load a corpus.

    Parameters
    ----------
    name_or_folder : str or Path
        ``synthetic``, the built-in corpus; ``gtzan`` or ``fma_small``, from the data folder; or a folder of music with one
        subfolder a genre.
    data : str or Path, optional
        The data folder. The default is the one that ``MUSICGENRE_DATA`` names.

    Raises
    ------
    DataError
        If the corpus needs a data folder and there is none, or it is not in it.
    SettingsError
        If there is neither a corpus nor a folder of that name.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    # Imported when needed: each brings pandas along, which is slow to start.
    name = str(name_or_folder)
    if name == "synthetic":
        from musicgenre.corpora import synthetic

        return synthetic.load()
    if name in NAMES:
        from musicgenre.corpora import fma, gtzan

        source = gtzan if name == "gtzan" else fma
        data = data or settings.data_folder()
        if data is None:
            raise DataError(
                f"the corpus {name} needs its audio: set MUSICGENRE_DATA to the folder that holds it, pass that folder, "
                f"or download it with {source.__name__}.fetch(folder)"
            )
        return source.load(data)
    if Path(name).expanduser().is_dir():
        from musicgenre.corpora import folder

        return folder.load(name)
    raise SettingsError(f"{name!r} is neither a corpus ({', '.join(NAMES)}) nor a folder")
