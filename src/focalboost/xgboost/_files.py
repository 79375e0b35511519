"""Model files before XGBoost reads them: its reader of UBJSON runs past the end of one that was cut, and may never end.

The format is that of https://ubjson.org: a value is a marker and what follows it, lengths and counts are values too.
"""

from __future__ import annotations

from typing import Any

from .._frameworks import file_content

_SIZES = {b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8, b"T": 0, b"F": 0, b"Z": 0, b"N": 0}
_INTEGERS = (b"i", b"U", b"I", b"l", b"L")
_ENDS = {b"[": b"]", b"{": b"}"}


class _Broken(Exception):  # noqa: N818 (never leaves this module)
    """The content ends too early, or is no UBJSON."""


def check_whole(model: Any) -> None:
    """Raise ValueError for a UBJSON file, or its bytes, that is cut or no UBJSON; other formats XGBoost refuses itself.

    Parameters
    ----------
    model : str, path, bytes or bytearray; anything else is left to XGBoost
    """
    raw = isinstance(model, bytes | bytearray)
    content = bytes(model) if raw else file_content(model)
    if content is None:
        return
    if content[:1] not in (b"", b"{") or content[1:].lstrip()[:1] in (b'"', b"}"):  # no model at all, or JSON
        return
    try:
        end = _skip(content, 0)
    except (_Broken, RecursionError):
        end = len(content) + 1
    if end > len(content):
        name = "the bytes" if raw else str(model)
        msg = f"the model must be a whole file as XGBoost saves it, got {name} that end too early; copy the file again"
        raise ValueError(msg)


def _skip(content: bytes, at: int, marker: bytes | None = None) -> int:
    """Return the position behind the value at `at`, whose marker is there unless it is given."""
    if marker is None:
        marker = content[at : at + 1]
        at += 1
    if marker in _SIZES:
        return at + _SIZES[marker]
    if marker == b"S":
        return _skip_text(content, at)
    if marker not in _ENDS:
        raise _Broken
    kind = count = None
    if content[at : at + 1] == b"$":
        kind = content[at + 1 : at + 2]
        at += 2
    if content[at : at + 1] == b"#":
        count, at = _integer(content, at + 1)
        if kind in _SIZES and marker == b"[":
            return at + count * _SIZES[kind]
    while count is None or count > 0:
        if at >= len(content):
            raise _Broken
        if count is None and content[at : at + 1] == _ENDS[marker]:
            return at + 1
        if marker == b"{":
            at = _skip_text(content, at)
        at = _skip(content, at, kind)
        count = None if count is None else count - 1
    return at


def _skip_text(content: bytes, at: int) -> int:
    length, at = _integer(content, at)
    return at + length


def _integer(content: bytes, at: int) -> tuple[int, int]:
    """Return a length or a count, and the position behind it."""
    marker = content[at : at + 1]
    end = at + 1 + _SIZES.get(marker, 0)
    if marker not in _INTEGERS or end > len(content):
        raise _Broken
    value = int.from_bytes(content[at + 1 : end], "big", signed=marker != b"U")
    if value < 0:
        raise _Broken
    return value, end
