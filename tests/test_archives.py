"""Log-mel archives and tables of 57 features: what is decoded, what is refused, and what the real files hold."""

from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
from conftest import lacks, need
from hypothesis import given
from hypothesis import strategies as st

from musicgenre.corpora import audio, fma, gtzan
from musicgenre.errors import DataError, SettingsError
from musicgenre.features import archives
from musicgenre.features.spectral import evenly_spread, mfcc_from_log_mel
from musicgenre.features.store import FeatureStore
from musicgenre.features.vector57 import COLUMNS

TRACKS = {"gtzan": ["rock.00001", "blues.00007", "jazz.00003"], "fma_small": ["000140", "000002", "131072"]}  # not in order
GENRES = {"gtzan": ["rock", "blues", "jazz"], "fma_small": ["Folk", "Hip-Hop", "Rock"]}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("MUSICGENRE_CACHE", str(tmp_path / "cache"))


def content(corpus_name: str, seed: int = 0) -> tuple[np.ndarray, dict]:
    """Log-mel spectrograms of three clips in dB, (clip, frame, band), and what an archive of them holds."""
    n_frames, n_mels = archives.ARCHIVES[corpus_name][1].shape
    rng = np.random.default_rng(seed)
    floor_db, peak_db = rng.uniform(-80, -40, 3).astype(np.float32), rng.uniform(-10, 40, 3).astype(np.float32)
    db = peak_db[:, None, None] + floor_db[:, None, None] * rng.random((3, n_frames, n_mels), dtype=np.float32)
    step = 1 if corpus_name == "gtzan" else 3
    code = np.rint(255 / step * (1 - (db - peak_db[:, None, None]) / floor_db[:, None, None])).astype(np.uint8).transpose(0, 2, 1)
    stored = {"code": code} if corpus_name == "gtzan" else {"code_delta": np.diff(code, axis=1, prepend=np.uint8(0))}
    names = {"track_id": np.array(TRACKS[corpus_name]), "genre": np.array(GENRES[corpus_name])}
    return db, stored | names | {"floor_db": floor_db, "peak_db": peak_db}


def archive(path: Path, corpus_name: str, **changed) -> Path:
    """Write an archive, whole or with something changed; None leaves an array out."""
    arrays = {name: array for name, array in (content(corpus_name)[1] | changed).items() if array is not None}
    np.savez_compressed(path / f"{corpus_name}.npz", **arrays)
    return path / f"{corpus_name}.npz"


@pytest.mark.parametrize("corpus_name", archives.ARCHIVES)
def test_archives_are_decoded_to_half_a_step_and_sorted_by_track(tmp_path, corpus_name):
    db, stored = content(corpus_name)
    made = archives.import_log_mel(corpus_name, archive(tmp_path, corpus_name), progress=False)
    corpus, values = made.read()
    assert list(corpus.clips.index) == sorted(TRACKS[corpus_name])
    assert list(corpus.clips["genre"]) == [GENRES[corpus_name][TRACKS[corpus_name].index(track)] for track in corpus.clips.index]
    assert (values.shape, values.dtype) == ((3, 1, *made.feature.shape), np.float32)
    half_step_db = (1 if corpus_name == "gtzan" else 3) * np.abs(stored["floor_db"]) / 255 / 2
    for track, value in zip(corpus.clips.index, values[:, 0], strict=True):
        row = TRACKS[corpus_name].index(track)
        np.testing.assert_allclose(value, db[row], rtol=0, atol=half_step_db[row] + 1e-4)


def test_ids_of_fma_need_no_leading_zeros(tmp_path):
    whole, bare = (tmp_path / name for name in ("whole", "bare"))
    whole.mkdir(), bare.mkdir()
    numbers = np.array([int(track) for track in TRACKS["fma_small"]])
    made = [
        archives.import_log_mel("fma_small", archive(whole, "fma_small"), progress=False),
        archives.import_log_mel("fma_small", archive(bare, "fma_small", track_id=numbers), progress=False),
    ]
    (corpus, values), (same, again) = (one.read() for one in made)
    assert list(corpus.clips.index) == list(same.clips.index) and np.array_equal(values, again)


def test_clips_that_the_archive_lacks_are_named(tmp_path):
    corpus = archives.import_log_mel("gtzan", archive(tmp_path, "gtzan"), progress=False).corpus
    assert len(corpus.excluded) == 997
    assert corpus.excluded["reason"]["jazz.00054"] == "not in the log-mel archive"
    corpus = archives.import_log_mel("fma_small", archive(tmp_path, "fma_small"), progress=False).corpus
    assert corpus.excluded["reason"].to_dict() == fma.KNOWN_FAULTS


def test_an_archive_is_imported_once_and_a_changed_one_again(tmp_path):
    def written(made):
        return {file: file.stat().st_mtime_ns for file in made.folder.rglob("*")}

    made = archives.import_log_mel("gtzan", archive(tmp_path, "gtzan"), progress=False)
    before = written(made)
    assert written(archives.import_log_mel("gtzan", archive(tmp_path, "gtzan"), progress=False)) == before
    changed = archives.import_log_mel("gtzan", archive(tmp_path, "gtzan", peak_db=np.zeros(3, np.float32)), progress=False)
    assert changed.folder != made.folder
    assert made.source == f"archive:{archives.file_digest(archive(tmp_path, 'gtzan'))}"


OTHER = {
    "no code": ({"code": None}, "code is not a file in the archive"),
    "no names": ({"track_id": None}, "track_id is not a file in the archive"),
    "another type": ({"code": np.zeros((3, 128, 387))}, r"code is float64 \(3, 128, 387\), expected uint8 \(3, 128, 387\)"),
    "time first": ({"code": np.zeros((3, 387, 128), np.uint8)}, r"expected uint8 \(3, 128, 387\)"),
    "a clip too few": ({"code": np.zeros((2, 128, 387), np.uint8)}, r"expected uint8 \(3, 128, 387\)"),
    "a level too many": ({"floor_db": np.zeros(4)}, "floor_db must be a finite number for each of the 3 clips"),
    "a level that is no number": ({"peak_db": np.array([0, np.nan, 0])}, "peak_db must be a finite number for each of the 3 clips"),
    "levels as text": ({"peak_db": np.array(["0", "0", "0"])}, "peak_db must be a finite number"),
    "pickles": ({"track_id": np.array(["rock.00001", None, 3], object)}, "Object arrays cannot be loaded when allow_pickle=False"),
    "an unknown clip": ({"track_id": np.array(["rock.00001", "polka.00000", "blues.00000"])}, "'polka.00000' is not a clip of GTZAN"),
    "a clip twice": ({"track_id": np.array(["rock.00001"] * 3)}, "rock.00001 occurs more than once"),
}


@pytest.mark.parametrize(("changed", "reason"), OTHER.values(), ids=OTHER)
def test_archives_of_another_kind_are_refused(tmp_path, changed, reason):
    with pytest.raises(DataError, match=reason):
        archives.import_log_mel("gtzan", archive(tmp_path, "gtzan", **changed), progress=False)


def test_an_archive_of_the_other_corpus_is_refused(tmp_path):
    with pytest.raises(DataError, match="not a log-mel archive of fma_small"):
        archives.import_log_mel("fma_small", archive(tmp_path, "gtzan"), progress=False)
    with pytest.raises(SettingsError, match="no log-mel archive of 'fma'; use one of gtzan, fma_small"):
        archives.import_log_mel("fma", archive(tmp_path, "gtzan"), progress=False)


DAMAGE = {
    "missing": lambda whole: None,
    "empty": lambda whole: b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "text": lambda whole: b"<html>Not found</html>",
    "bytes lost inside": lambda whole: whole[:1000] + bytes(1000) + whole[2000:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_archives_are_refused_by_name(tmp_path, damage):
    path = archive(tmp_path, "gtzan")
    left = damage(path.read_bytes())
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(DataError, match=r"gtzan\.npz: (missing, incomplete or not an \.npz file|not a log-mel archive)"):
        archives.import_log_mel("gtzan", path, progress=False)
    assert not list(tmp_path.glob("cache/features/*"))


@given(place=st.floats(0, 1), length=st.integers(1, 2**13), value=st.integers(0, 255))
def test_no_damage_gives_anything_but_a_clear_error_or_all_values(tmp_path_factory, place, length, value):
    path = archive(tmp_path_factory.mktemp("damaged"), "gtzan")
    whole = path.read_bytes()
    start = int(place * (len(whole) - 1))
    path.write_bytes(whole[:start] + bytes([value]) * length + whole[start + length :])
    try:
        values = archives.import_log_mel("gtzan", path, progress=False).read()[1]
    except DataError as error:
        assert str(path) in str(error) or "GTZAN" in str(error)
    else:
        assert np.isfinite(values).all() and len(values) == 3


def test_files_are_found_by_name_below_the_data_folder(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    file = tmp_path / "a" / "b" / "table.csv"
    file.touch()
    assert archives.find(tmp_path, "table.csv") == file
    (tmp_path / ".Trash-1000").mkdir()
    (tmp_path / ".Trash-1000" / "table.csv").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "table.csv").symlink_to(file)
    assert archives.find(tmp_path, "table.csv") == file
    (tmp_path / "table.csv").touch()
    with pytest.raises(DataError, match=r"2 files named table\.csv below .*; keep one of them there"):
        archives.find(tmp_path, "table.csv")
    assert archives.find(tmp_path, "other.csv") is archives.find(None, "table.csv") is None


def table(names: list[str]) -> pd.DataFrame:
    """A table of 57 features with these file names, and the columns that the well-known one has beside them."""
    values = np.random.default_rng(0).random((len(names), len(COLUMNS)))
    beside = {"filename": names, "length": 661794, "label": [name.split(".")[0] for name in names]}
    return pd.DataFrame(values, columns=list(COLUMNS)).assign(**beside)[["filename", "length", *COLUMNS, "label"]]


def test_tables_of_whole_clips_and_of_slices_are_read_and_sorted(tmp_path):
    written = table(["rock.00001.2.wav", "rock.00001.0.wav", "blues.00000.wav"])
    written.to_csv(tmp_path / "table.csv", index=False)
    values = archives.read_feature_table(tmp_path / "table.csv")
    assert list(values.index) == [("blues.00000", 0), ("rock.00001", 0), ("rock.00001", 2)]
    assert tuple(values.columns) == COLUMNS
    np.testing.assert_allclose(values, written[list(COLUMNS)].iloc[[2, 1, 0]], rtol=1e-12)


def spoilt(column: str, value: object) -> pd.DataFrame:
    """A table with one bad value in its second row."""
    made = table(["blues.00000.wav", "blues.00001.wav"]).astype(object)
    made.loc[1, column] = value
    return made


BAD_TABLES = {
    "a column missing": (table(["blues.00000.wav"]).drop(columns="tempo"), "no column tempo"),
    "no file names": (table(["blues.00000.wav"]).drop(columns="filename"), "no column filename"),
    "an odd name": (table(["blues.00000.wav", "my song.wav"]), "file name 'my song.wav' does not name a clip"),
    "a clip twice": (table(["blues.00000.wav", "blues.00000.0.wav"]), "slice 0 of blues.00000 occurs more than once"),
    "an empty cell": (spoilt("tempo", np.nan), r"tempo of blues\.00001\.wav is not a finite number"),
    "infinity": (spoilt("mfcc3_var", np.inf), r"mfcc3_var of blues\.00001\.wav is not a finite number"),
    "a word": (spoilt("rms_mean", "loud"), r"rms_mean of blues\.00001\.wav is not a finite number"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables_are_refused_by_name(tmp_path, bad, reason):
    bad.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(DataError, match=rf"table\.csv: {reason}"):
        archives.read_feature_table(tmp_path / "table.csv")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00\x00", b"a,b\n1,2\n1,2,3\n"], ids=["missing", "empty", "binary", "ragged"])
def test_files_that_are_no_tables_are_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"table\.csv: not a readable table"):
        archives.read_feature_table(tmp_path / "table.csv")


@pytest.fixture(scope="module")
def imported(real_data, tmp_path_factory) -> FeatureStore:
    """The real archive of GTZAN in a store."""
    archive = need(real_data, "gtzan_logmel.npz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSICGENRE_CACHE", str(tmp_path_factory.mktemp("imported")))
        return archives.import_log_mel("gtzan", archive, progress=False)


@pytest.fixture(scope="module")
def real_clips(real_data, imported) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of ten real clips, one a genre: the samples and what the archive has of them."""
    try:
        clips = gtzan.load(real_data).clips
    except DataError:
        lacks("no clips of GTZAN in the folder of real data")
    corpus, values = imported.read()
    row_of = {track: row for row, track in enumerate(corpus.clips.index)}
    chosen = clips[clips.index.isin(list(row_of))].groupby("genre")["path"].head(1)
    return {track: (audio.read(path), values[row_of[track], 0]) for track, path in chosen.items()}


def test_the_gtzan_archive_holds_999_clips(imported):
    corpus, values = imported.read()
    assert values.shape == (999, 1, 387, 128)
    assert list(corpus.excluded.index) == ["jazz.00054"]
    assert corpus.clips["genre"].value_counts().to_dict() == dict.fromkeys(gtzan.GENRES, 100) | {"jazz": 99}
    span_db = values.max(axis=(1, 2, 3)) - values.min(axis=(1, 2, 3))
    assert span_db.max() <= 80.01


def test_the_gtzan_archive_is_librosas_log_mel_of_the_clips(real_clips):
    for track, (samples, archived) in real_clips.items():
        reference = librosa.power_to_db(librosa.feature.melspectrogram(y=samples)).T
        kept = reference[evenly_spread(len(reference), len(archived))]
        assert np.sqrt(np.mean((archived - kept) ** 2)) < 0.2, track  # dB


def test_mfccs_follow_from_the_archive(real_clips):
    for track, (samples, archived) in real_clips.items():
        reference = librosa.feature.mfcc(y=samples, n_mfcc=23).T
        kept = reference[evenly_spread(len(reference), len(archived))]
        assert np.sqrt(np.mean((mfcc_from_log_mel(archived, 23) - kept) ** 2)) < 0.25, track  # the DCT keeps the size of errors


def test_the_fma_archive_holds_7994_clips(real_data):
    made = archives.import_log_mel("fma_small", need(real_data, "fma_small_logmel.npz"), progress=False)
    corpus, values = made.read()
    assert values.shape == (7994, 1, 128, 128)
    assert len(corpus.genres) == 8
    assert corpus.excluded["reason"].to_dict() == fma.KNOWN_FAULTS
    flat = np.ptp(values, axis=(1, 2, 3)) == 0
    assert list(corpus.clips.index[flat]) == ["107535"] == list(corpus.clips.index[corpus.clips["fault"] == "silent"])


def test_the_well_known_tables_are_read(real_data):
    whole = archives.read_feature_table(need(real_data, "features_30_sec.csv"))
    assert list(whole.index.get_level_values("track_id")) == list(gtzan.facts().index)
    assert np.isfinite(whole.to_numpy()).all()
