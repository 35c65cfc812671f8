"""Writing at once or not at all."""

import pytest

from musicgenre import atomic


def test_the_file_changes_when_all_is_written_and_not_before(tmp_path):
    path = tmp_path / "new" / "record.json"
    for text in ("first", "second"):
        with atomic.write(path) as partial:
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_writing_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path, error):
    path = tmp_path / "record.json"
    path.write_text("whole")
    with pytest.raises(type(error)), atomic.write(path) as partial:
        partial.write_text("hal")
        raise error
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
