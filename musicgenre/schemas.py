"""The JSON schemas of papers and run records: whether a file is as its schema says, and if not, where and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files


@cache
def read(name: str) -> dict:
    """Read a schema of the package, such as ``papers/schema.json``."""
    return json.loads((files("musicgenre") / name).read_text(encoding="utf-8"))


def problem(name: str, content: object) -> tuple[list, str] | None:
    """Say what breaks a schema: where (keys and positions that lead there) and what; None where nothing does.

    Parameters
    ----------
    name : str
        Of the schema, see :func:`read`.
    content : object
        As JSON or YAML gives it.
    """
    from fastjsonschema import JsonSchemaValueException

    try:
        _validator(name)(content)
    except JsonSchemaValueException as refused:
        from jsonschema import Draft7Validator  # takes seconds to import, but says which value is wrong
        from jsonschema.exceptions import best_match

        error = best_match(Draft7Validator(read(name)).iter_errors(content))
        if error is None:  # of patterns the two have different views: to jsonschema "vgg" and "vgg" with a line break are alike
            return refused.path[1:], refused.message
        return list(error.absolute_path), error.message
    return None


@cache
def _validator(name: str) -> Callable[[object], object]:
    import fastjsonschema  # compiles the schema, because hundreds of records are read for a page

    return fastjsonschema.compile(read(name))
