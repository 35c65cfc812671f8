"""Download the archive of a corpus from the first mirror that works, and unpack it safely.

A lost connection costs nothing: what has come is kept, and the next attempt, or the next call, goes on from there. An archive
counts only if its hash is right, and its folder appears only when it is whole.
"""

import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import urlsplit

import pooch
import requests
from tqdm import tqdm

from musicgenre.errors import DataError

ATTEMPTS = 10  # per mirror and call, as long as each brings something
TIMEOUT_S = (10, 60)  # to connect, and between two pieces of data
CHUNK_BYTES = 1 << 16  # what comes of a chunk before a connection breaks is lost


@dataclass(frozen=True)
class Mirror:
    """An address of an archive, and the hash of what it serves, as ``md5:…``, ``sha1:…`` or ``sha256:…``."""

    url: str
    hash: str


def install(name: str, mirrors: Sequence[Mirror], member: str, target: Path) -> Path:
    """Download an archive and unpack one folder of it, unless that folder is there already.

    Parameters
    ----------
    name : str
        File name of the archive, ending in ``.tar.gz`` or ``.zip``. A file of that name beside ``target`` that has been put there
        by hand is unpacked instead of a download, and kept.
    mirrors : sequence of Mirror
        They are tried in this order.
    member : str
        The folder inside the archive, such as ``genres``.
    target : Path
        Where that folder goes.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    DataError
        If no mirror delivers the archive, if it is not what it should be, or if the disk cannot hold it.

    Notes
    -----
    Taught in the notebook ``01_the_data``.
    """
    if target.is_dir() and any(target.iterdir()):
        return target
    archive = target.parent / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            part = fetch(archive, mirrors)
            unpack(part, member, target)
            part.unlink()
        elif any(_matches(archive, mirror.hash) for mirror in mirrors):  # put there by hand
            unpack(archive, member, target)
        else:
            hashes = " or ".join(sorted({mirror.hash for mirror in mirrors}))
            raise DataError(f"{archive}: not the expected archive, or damaged: its hash is not {hashes}; delete it and try again")
    except OSError as error:
        raise DataError(f"{target.parent}: cannot be written ({error.strerror or error}); make room there or use another folder") from None
    return target


def fetch(archive: Path, mirrors: Sequence[Mirror]) -> Path:
    """Download an archive from the first mirror that delivers it whole; return the file, whose name is that of a part.

    Under its own name it would count as put there by hand, where unpacking is stopped.

    Raises
    ------
    DataError
        If every mirror fails; the message gives the reason of each and says how to put the file there by hand.
    """
    failures = []
    for mirror in mirrors:
        # Named by its hash: mirrors of the same archive go on with each other's part, others do not touch it.
        part = archive.with_name(f"{archive.name}.{mirror.hash[-8:]}.part")
        reason = _fetch_from(mirror, part)
        if reason is None:
            return part
        kept = f"; the {_size(part) / 1e6:,.1f} MB that came are kept for the next call" if part.exists() else ""
        failures.append(f"  {mirror.url}\n    {reason}{kept}")
    raise DataError(
        f"{archive.name} could not be downloaded from any of {len(mirrors)} addresses:\n"
        + "\n".join(failures)
        + f"\nTo fetch it by hand, save one of them as {archive} and call this again."
    )


def _fetch_from(mirror: Mirror, part: Path) -> str | None:
    """Download into ``part``; return None, or the reason why the mirror failed."""
    host = urlsplit(mirror.url).hostname
    for _ in range(ATTEMPTS):
        size_before = _size(part)
        try:
            _append(mirror.url, part)
        except requests.HTTPError as error:
            return f"{host} answers {error.response.status_code} {error.response.reason}"
        except requests.RequestException as error:
            if _size(part) <= size_before:
                return f"no answer from {host} ({type(error).__name__})"
            reason = f"the connection to {host} was lost, again and again"
            continue
        if _matches(part, mirror.hash):
            return None
        part.unlink()
        reason = f"{host} serves something else than the expected archive (its hash is not {mirror.hash})"
        if size_before == 0:  # otherwise what an earlier call left may be at fault: start afresh
            return reason
    return reason


def _append(url: str, part: Path) -> None:
    """Append to ``part`` what it still lacks of the file at ``url``."""
    done = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        if done and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is lacking; the hash tells whether it is right
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            done = 0  # this server cannot resume
        total = done + int(response.headers.get("Content-Length", 0)) or None
        bar = tqdm(desc=part.name.rsplit(".", 2)[0], initial=done, total=total, unit="B", unit_scale=True, disable=None)
        with open(part, "ab" if done else "wb") as file, bar:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _matches(path: Path, known_hash: str) -> bool:
    algorithm, digest = known_hash.split(":")
    return pooch.file_hash(str(path), alg=algorithm) == digest


def unpack(archive: Path, member: str, target: Path) -> Path:
    """Unpack one folder of an archive to ``target``, all of it or nothing.

    Its hash must have been checked before, for not every damage shows here. Files that macOS adds to archives (``._*``,
    ``.DS_Store``) are left out.

    Raises
    ------
    DataError
        If the archive is damaged, lacks the folder, or holds a link or a path that leads out of it.
    """
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as scratch:
        try:
            extract = _extract_zip if ".zip" in archive.suffixes else _extract_tar
            for _ in tqdm(extract(archive, Path(scratch)), desc=f"unpacking {archive.name}", unit=" files", disable=None):
                pass
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise DataError(f"{archive}: the archive is damaged ({error}); delete it and fetch it again") from None
        if not (Path(scratch) / member).is_dir():
            raise DataError(f"{archive}: there is no folder {member} in it; it is not the expected archive")
        os.replace(Path(scratch) / member, target)
    return target


def _extract_tar(archive: Path, folder: Path) -> Iterator[str]:
    with tarfile.open(archive) as tar:
        for info in tar:
            _refuse_unsafe(archive, info.name, info.isreg() or info.isdir())
            if not _is_clutter(info.name):
                tar.extract(info, folder, filter="data")
                yield info.name


def _extract_zip(archive: Path, folder: Path) -> Iterator[str]:
    with zipfile.ZipFile(archive) as archive_file:
        for info in archive_file.infolist():
            is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
            _refuse_unsafe(archive, info.filename, not is_link)
            if not _is_clutter(info.filename):
                archive_file.extract(info, folder)
                yield info.filename


def _refuse_unsafe(archive: Path, name: str, is_plain: bool) -> None:
    path = PureWindowsPath(name)  # it knows both kinds of slash, and drives
    if path.anchor or ".." in path.parts or not is_plain:
        raise DataError(f"{archive}: it holds {name!r}, a link or a path that leads out of the archive; it is not unpacked")


def _is_clutter(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name.startswith("._") or path.name == ".DS_Store" or "__MACOSX" in path.parts
