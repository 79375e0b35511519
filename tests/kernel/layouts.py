"""Copies of an array in every way that it may lie in memory."""

import numpy as np


def misaligned(array):
    """Return a copy that starts one byte off."""
    memory = np.empty(array.nbytes + 1, dtype=np.uint8)[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert array.itemsize == 1 or not copy.flags.aligned
    return copy


def packed(array):
    """Return a copy inside records of one byte more: strides that are no multiple of the item size."""
    records = np.zeros(array.shape, dtype=[("value", array.dtype), ("gap", "u1")])
    records["value"] = array
    return records["value"]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def spread(array):
    """Return a view on every second element along each axis of a larger array."""
    large = np.full(tuple(2 * n for n in array.shape), np.nan if array.dtype.kind == "f" else 99, dtype=array.dtype)
    view = large[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


LAYOUTS = {
    "fortran": np.asfortranarray,
    "every-second": spread,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "transposed-slice": lambda a: np.concatenate([a, a]).T.copy()[..., : len(a)].T,
    "columns-reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "read-only": read_only,
    "misaligned": misaligned,
    "packed": packed,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}
