"""Downloads, against a server on this machine that breaks off, lies, refuses or is down; and archives that want to break out."""

import hashlib
import io
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from musicgenre.corpora import download, fma, gtzan
from musicgenre.corpora.download import Mirror
from musicgenre.errors import DataError, SettingsError

CLIP = bytes(range(256)) * 2000  # half a megabyte


def make_tar(path, members=(("genres/blues/blues.00000.wav", CLIP),)):
    with tarfile.open(path, "w:gz", compresslevel=0) as tar:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def make_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Serves ``files``; breaks each answer off after ``limit`` bytes; answers ranges if ``resumes``; remembers the requests."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.limit, self.resumes, self.requests = {}, None, True, []

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range", "")
        self.server.requests.append((self.path[1:], wanted))
        content = self.server.files.get(self.path[1:])
        if content is None:
            return self.send_error(404)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.resumes else 0
        if start and start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.limit])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def archive(tmp_path, server):
    """Put an archive on the server as ``genres.tar.gz``; give its content."""
    server.files["genres.tar.gz"] = make_tar(tmp_path / "made.tar.gz").read_bytes()
    return server.files["genres.tar.gz"]


def install(server, archive, folder, *names):
    mirrors = [Mirror(server.url(name), md5(archive)) for name in names or ["genres.tar.gz"]]
    return download.install("genres.tar.gz", mirrors, "genres", folder / "genres")


def assert_installed(folder):
    assert (folder / "genres" / "blues" / "blues.00000.wav").read_bytes() == CLIP
    assert [path.name for path in folder.iterdir()] == ["genres"]


def test_an_archive_is_downloaded_once_and_leaves_only_its_folder(server, archive, tmp_path):
    folder = tmp_path / "gtzan"
    assert install(server, archive, folder) == folder / "genres"
    assert_installed(folder)
    install(server, archive, folder)
    assert len(server.requests) == 1


def test_an_unpacking_that_was_stopped_leaves_no_archive_for_good(server, archive, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(download, "unpack", stop)
        install(server, archive, tmp_path / "gtzan")
    install(server, archive, tmp_path / "gtzan")
    assert_installed(tmp_path / "gtzan")
    assert [file.name for file in (tmp_path / "gtzan").iterdir()] == ["genres"]


def test_an_empty_folder_does_not_count_as_the_corpus(server, archive, tmp_path):
    (tmp_path / "gtzan" / "genres").mkdir(parents=True)
    install(server, archive, tmp_path / "gtzan")
    assert_installed(tmp_path / "gtzan")


def test_a_lost_connection_is_taken_up_again(server, archive, tmp_path):
    server.limit = len(archive) // 3
    install(server, archive, tmp_path / "gtzan")
    assert_installed(tmp_path / "gtzan")
    starts = [int(wanted.removeprefix("bytes=").removesuffix("-") or 0) for _, wanted in server.requests]
    assert starts == sorted(set(starts)) and len(starts) > 3


def test_what_came_is_kept_for_the_next_call(server, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.limit = len(archive) // 2
    with pytest.raises(DataError, match=r"the connection to 127\.0\.0\.1 was lost.*the 0\.2 MB that came are kept for the next call"):
        install(server, archive, tmp_path / "gtzan")
    assert not (tmp_path / "gtzan" / "genres").exists()
    server.limit = None
    install(server, archive, tmp_path / "gtzan")
    assert_installed(tmp_path / "gtzan")
    assert server.requests[1][1].startswith("bytes=")


def test_a_part_is_taken_up_by_another_mirror_of_the_same_archive(server, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.limit = len(archive) * 3 // 4
    server.files["copy.tar.gz"] = archive
    install(server, archive, tmp_path / "gtzan", "genres.tar.gz", "copy.tar.gz")
    assert_installed(tmp_path / "gtzan")
    assert [name for name, _ in server.requests] == ["genres.tar.gz", "copy.tar.gz"]
    assert server.requests[1][1].startswith("bytes=")


def test_a_server_that_cannot_resume_starts_again(server, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.limit, server.resumes = len(archive) // 2, False
    with pytest.raises(DataError):
        install(server, archive, tmp_path / "gtzan")
    server.limit = None
    install(server, archive, tmp_path / "gtzan")
    assert_installed(tmp_path / "gtzan")


@pytest.mark.parametrize("left_over", [b"something else", b"x" * 10_000_000], ids=["short", "too long"])
def test_a_wrong_left_over_is_thrown_away(server, archive, tmp_path, left_over):
    folder = tmp_path / "gtzan"
    folder.mkdir()
    (folder / f"genres.tar.gz.{md5(archive)[-8:]}.part").write_bytes(left_over)
    install(server, archive, folder)
    assert_installed(folder)


def test_a_wrong_archive_makes_way_for_the_next_mirror(server, archive, tmp_path):
    server.files["page.html"] = b"<html>This site has moved</html>"
    install(server, archive, tmp_path / "gtzan", "page.html", "gone.tar.gz", "genres.tar.gz")
    assert_installed(tmp_path / "gtzan")
    assert [name for name, _ in server.requests] == ["page.html", "gone.tar.gz", "genres.tar.gz"]


def test_when_all_mirrors_fail_the_error_tells_of_each_and_what_to_do(server, archive, tmp_path):
    server.files["page.html"] = b"<html>This site has moved</html>"
    down = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    down.server_close()
    mirrors = [Mirror(server.url("page.html"), md5(archive)), Mirror(server.url("gone.tar.gz"), md5(archive))]
    mirrors.append(Mirror(f"http://127.0.0.1:{down.server_port}/genres.tar.gz", md5(archive)))
    with pytest.raises(DataError) as caught:
        download.install("genres.tar.gz", mirrors, "genres", tmp_path / "gtzan" / "genres")
    assert str(caught.value).splitlines() == [
        "genres.tar.gz could not be downloaded from any of 3 addresses:",
        f"  {mirrors[0].url}",
        f"    127.0.0.1 serves something else than the expected archive (its hash is not {md5(archive)})",
        f"  {mirrors[1].url}",
        "    127.0.0.1 answers 404 Not Found",
        f"  {mirrors[2].url}",
        "    no answer from 127.0.0.1 (ConnectionError)",
        f"To fetch it by hand, save one of them as {tmp_path}/gtzan/genres.tar.gz and call this again.",
    ]
    assert not list((tmp_path / "gtzan").iterdir())


def test_an_archive_put_there_by_hand_is_unpacked_and_kept(server, archive, tmp_path):
    (tmp_path / "genres.tar.gz").write_bytes(archive)
    install(server, archive, tmp_path)
    assert (tmp_path / "genres" / "blues" / "blues.00000.wav").read_bytes() == CLIP
    assert (tmp_path / "genres.tar.gz").read_bytes() == archive
    assert server.requests == []


def test_a_wrong_archive_put_there_by_hand_is_named_and_kept(server, archive, tmp_path):
    (tmp_path / "genres.tar.gz").write_bytes(archive[:-1])
    with pytest.raises(DataError, match=r"genres\.tar\.gz: not the expected archive, or damaged.*delete it and try again"):
        install(server, archive, tmp_path)
    assert (tmp_path / "genres.tar.gz").read_bytes() == archive[:-1]


def test_a_folder_that_cannot_be_written_is_named(server, archive, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/gtzan: cannot be written"):
        install(server, archive, tmp_path / "file" / "gtzan")


# --- unpacking


def link(name, kind=tarfile.SYMTYPE, to="/etc/passwd"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "member",
    ["/etc/evil", "../evil", "genres/../../evil", "..\\evil", "C:\\evil", link("genres/evil"), link("genres/evil", tarfile.LNKTYPE)],
    ids=["absolute", "parent", "hidden parent", "backslash", "drive", "symbolic link", "hard link"],
)
def test_a_tar_that_wants_to_break_out_is_not_unpacked(tmp_path, member):
    archive = make_tar(tmp_path / "a.tar.gz", [("genres/fine.wav", CLIP), (member, b"")])
    with pytest.raises(DataError, match="a link or a path that leads out of the archive; it is not unpacked"):
        download.unpack(archive, "genres", tmp_path / "genres")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_zip_that_wants_to_break_out_is_not_unpacked(tmp_path):
    symbolic = zipfile.ZipInfo("fma_small/evil")
    symbolic.external_attr = 0o120777 << 16
    for member in ("/etc/evil", "../evil", "fma_small/../../evil", "C:\\evil", symbolic):
        archive = make_zip(tmp_path / "a.zip", [("fma_small/fine.mp3", CLIP), (member, b"/etc/passwd")])
        with pytest.raises(DataError, match="a link or a path that leads out of the archive; it is not unpacked"):
            download.unpack(archive, "fma_small", tmp_path / "fma_small")
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_damaged_archive_leaves_nothing_behind(tmp_path, name):
    members = [("genres/a.wav", CLIP), ("genres/b.wav", CLIP)]
    archive = (make_zip if name == "a.zip" else make_tar)(tmp_path / name, members)
    content = archive.read_bytes()
    for damaged in (content[: len(content) * 3 // 4], b"<html>" * 100):
        archive.write_bytes(damaged)
        with pytest.raises(DataError, match="the archive is damaged"):
            download.unpack(archive, "genres", tmp_path / "genres")
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_archive_without_the_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no folder fma_small in it"):
        download.unpack(make_tar(tmp_path / "a.tar.gz"), "fma_small", tmp_path / "fma_small")


def test_what_macos_adds_to_archives_is_left_out(tmp_path):
    clutter = [("genres/._a.wav", b"x"), ("genres/.DS_Store", b"x"), ("__MACOSX/genres/._a.wav", b"x")]
    download.unpack(make_zip(tmp_path / "a.zip", [("genres/a.wav", CLIP), *clutter]), "genres", tmp_path / "genres")
    assert [path.name for path in (tmp_path / "genres").rglob("*")] == ["a.wav"]


# --- the corpora


def test_gtzan_fetch_puts_each_version_where_load_finds_it(server, tmp_path, monkeypatch):
    full = make_tar(tmp_path / "full.tar.gz").read_bytes()
    mini = make_zip(
        tmp_path / "mini.zip", [("gtzan_mini-main/genres/rock/rock.00000.wav", CLIP), ("gtzan_mini-main/genres.zip", b"")]
    ).read_bytes()
    server.files |= {"full": full, "mini": mini}
    monkeypatch.setattr(gtzan, "MIRRORS", {name: [Mirror(server.url(name), md5(server.files[name]))] for name in ("full", "mini")})
    assert list(gtzan.load(gtzan.fetch(tmp_path / "data")).clips.index) == ["blues.00000"]
    assert list(gtzan.load(gtzan.fetch(tmp_path / "data", "mini")).clips.index) == ["rock.00000"]
    assert sorted(path.relative_to(tmp_path / "data").as_posix() for path in (tmp_path / "data").rglob("*.wav")) == [
        "gtzan/genres/blues/blues.00000.wav",
        "gtzan_mini/genres/rock/rock.00000.wav",
    ]
    with pytest.raises(SettingsError, match="no version 'medium'; use full or mini"):
        gtzan.fetch(tmp_path, "medium")


def test_fma_fetch_brings_tracks_and_tables(server, tmp_path, monkeypatch):
    for name, member in {"fma_small": "fma_small/000/000002.mp3", "fma_metadata": "fma_metadata/tracks.csv"}.items():
        server.files[name] = make_zip(tmp_path / name, [(member, CLIP)]).read_bytes()
    monkeypatch.setattr(fma, "MIRRORS", {name: Mirror(server.url(name), md5(server.files[name])) for name in fma.MIRRORS})
    folder = fma.fetch(tmp_path / "data")
    assert folder == Path(tmp_path / "data" / "fma")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "fma_metadata/tracks.csv",
        "fma_small/000/000002.mp3",
    ]


@pytest.mark.parametrize("mirror", [*gtzan.MIRRORS["full"], *gtzan.MIRRORS["mini"], *fma.MIRRORS.values()])
def test_every_mirror_has_a_well_formed_hash(mirror):
    algorithm, digest = mirror.hash.split(":")
    assert len(digest) == 2 * hashlib.new(algorithm).digest_size
    assert int(digest, 16) > 0
