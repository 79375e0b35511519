"""Call the compiled entry points with malformed arguments: `python tests/kernel/fuzz_native.py CALLS [SEED]`.

Each call takes valid arguments and spoils one to three of them. It must return or raise one of `ALLOWED`, and write
nowhere but into its outputs, which lie inside larger arrays of a known value. Prints, as JSON, how many calls were
accepted and refused, in all and by the kind of a fault that came alone. Whatever else happens, a crash included, is a
failure of the process.

The address of a thread pool (`openmp`) is spoilt in its type only: the kernel has to trust a number that is one.
"""

from __future__ import annotations

import array
import collections
import faulthandler
import json
import random
import sys

import numpy as np

from focalboost._kernel import _native

ALLOWED = (TypeError, ValueError, BufferError, OverflowError)
MARK = 7.0
ROWS = (1, 2, 15, 16, 17, 511, 512, 513)
COLUMNS = (1, 2, 3, 7, 8, 9)
OUTPUTS = ("gradient", "hessian", "loss")
CURVES = ("wide", "narrow", "slopes")
DTYPES = ("f2", "f4", "f8", "g", "i1", "i4", "i8", "u8", "?", "c8", "c16", "O", ">f4", ">f8", "U3", "S2", "M8[s]", "V4")
SIZES = (0, 1, 2, 3, 8, 17, 2**24, 2**24 + 1, 2**31, 2**40, 2**62)
VALUES = (np.nan, np.inf, -np.inf, -1.0, -0.0, 0.5, 1e-45, 1e30, 3e38, 2.0**24, 2.0**31)


def valid(entry: str, draw: random.Random) -> dict:
    """Return arguments that the entry takes."""
    softmax, dtype = draw.random() < 0.5, draw.choice(("f4", "f8"))
    rows, columns = draw.choice(ROWS), draw.choice(COLUMNS)
    columns = max(columns, 2) if softmax else columns
    shape = (rows,) if columns == 1 and draw.random() < 0.7 else (rows, columns)
    multilabel = not softmax and len(shape) == 2 and (columns == 1 or draw.random() < 0.3)
    generator = np.random.default_rng(draw.getrandbits(32))
    classes = columns if softmax or (columns > 1 and not multilabel) else 2
    given = {
        "softmax": softmax,
        "margin": generator.normal(scale=5, size=shape).astype(dtype),
        "label": generator.integers(0, classes, shape if multilabel else rows).astype("f4"),
        "weight": draw.choice((None, generator.uniform(0, 2, rows).astype(draw.choice(("f4", "f8"))))),
        "alpha": np.ones(columns if softmax else 2 * columns),
        "gamma": draw.choice((0.0, 0.5, 1.0, 2.0)),
        "threads": draw.choice((1, 2, 100)),
        "openmp": 0,
    }
    if draw.random() < 0.5:  # margins in log-odds: any coefficients will do here
        intervals = draw.choice((1, 5, 100))
        given |= {
            "wide": generator.normal(size=(1 if softmax else 4, intervals, 8)),
            "narrow": generator.normal(size=(2 if softmax else 1, intervals, 4)).astype("f4"),
            "slopes": generator.normal(size=2 if softmax else 4),
            "wide_rate": 4.0,
            "narrow_rate": 8.0,
            "origin": 1.0,
        }
    if entry == "losses":
        return {**given, "loss": draw.choice((None, inside((rows,), dtype)))}
    return {
        **given,
        "curvature": draw.choice((_native.UPPER, _native.EXACT, _native.EXPECTED)),
        "inverse_step": draw.choice((0.0, 0.5)),
        "hessian_factor": 1.0,
        "gradient": inside(shape, dtype),
        "hessian": inside(shape, dtype),
        "precise": draw.random() < 0.3,
    }


def inside(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return an array of marks in the middle of a larger one, its `base`."""
    size = int(np.prod(shape))
    return np.full(size + 64, MARK, dtype=dtype)[32 : 32 + size].reshape(shape)


def of_dtype(given: np.ndarray, draw: random.Random) -> object:
    return np.ones(given.shape, dtype=np.int8).astype(draw.choice(DTYPES))


def of_shape(given: np.ndarray, draw: random.Random) -> object:
    """Any shape, large ones without memory behind them: they must be refused by their shape alone."""
    shape = [draw.choice(SIZES[:6]) for _ in range(draw.randrange(5))]
    if shape and draw.random() < 0.3:
        shape[draw.randrange(len(shape))] = draw.choice(SIZES[6:])
    try:
        return np.lib.stride_tricks.as_strided(np.zeros(1, dtype=given.dtype), shape, [0] * len(shape))
    except ValueError:  # beyond what numpy can address
        return np.zeros(0, dtype=given.dtype)


def of_one_size_off(given: np.ndarray, draw: random.Random) -> object:
    axis = draw.randrange(given.ndim)
    shape = list(given.shape)
    shape[axis] += draw.choice((-1, 1))
    return np.ones(shape, dtype=given.dtype)


def of_stride(given: np.ndarray, draw: random.Random) -> object:
    """The same shape with other strides: reversed, spread, crossed, constant, or no multiple of the item size."""
    way = draw.randrange(5)
    if way == 0:
        return given[::-1]
    if way == 1:
        return np.repeat(given, 3, axis=0)[::3]
    if way == 2:
        return np.asfortranarray(given)
    if way == 3:
        return np.lib.stride_tricks.as_strided(given, strides=[0] * given.ndim)
    records = np.zeros(given.shape, dtype=[("value", given.dtype), ("gap", "u1")])
    records["value"] = given
    return records["value"]


def of_alignment(given: np.ndarray, draw: random.Random) -> object:
    memory = np.zeros(given.nbytes + 8, dtype=np.uint8)[draw.randrange(1, given.itemsize) :]
    return memory[: given.nbytes].view(given.dtype).reshape(given.shape)


def of_read_only(given: np.ndarray, draw: random.Random) -> object:
    view = given.view()
    view.flags.writeable = False
    return view


def of_value(given: np.ndarray, draw: random.Random) -> object:
    copy = given.copy()
    with np.errstate(over="ignore"):
        copy.flat[draw.randrange(copy.size)] = draw.choice(VALUES)
    return copy


def of_other_object(given: np.ndarray, draw: random.Random) -> object:
    raw = given.tobytes()
    others = (None, 1.0, "text", raw, bytearray(raw), memoryview(raw), array.array("d", [0.0, 1.0]), [1.0], {}, object)
    return draw.choice(others)


FAULTS = (of_dtype, of_shape, of_one_size_off, of_stride, of_alignment, of_read_only, of_value, of_other_object)


def of_number(name: str, draw: random.Random) -> object:
    if name == "openmp":
        return draw.choice((None, -1, 2**64, 1.5, "x"))
    return draw.choice((None, "x", -1, 0, 1, 2**31, -(2**31), 2**70, 0.5, True, *VALUES))


def spoil(given: dict, draw: random.Random) -> list[str]:
    """Spoil one to three arguments, and return the kinds of fault."""
    faults: list[str] = []
    arrays = [name for name, value in given.items() if isinstance(value, np.ndarray)]
    numbers = sorted(given.keys() - {"margin", "label", "weight", "alpha", *CURVES, *OUTPUTS})
    draw.shuffle(arrays)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if draw.random() < 0.15:
            name = draw.choice(numbers)
            given[name] = of_number(name, draw)
            faults.append("of_number")
        else:  # each array once, and one shape at most: two huge ones might fit each other
            name = arrays.pop()
            free = (of_shape, of_one_size_off) if name in CURVES else ()  # tables have any length
            fault = draw.choice([f for f in FAULTS if f.__name__ not in faults and f not in free])
            given[name] = fault(given[name], draw)
            faults.append(fault.__name__)
    return faults


def call_once(draw: random.Random) -> tuple[list[str], str]:
    """Return the kinds of fault of one call, and how it ended."""
    entry = draw.choice(("derivatives", "losses"))
    given = valid(entry, draw)
    outputs = [given[name] for name in OUTPUTS if given.get(name) is not None]
    faults = spoil(given, draw)
    try:
        getattr(_native, entry)(**given)
        ending = "accepted"
    except ALLOWED:
        ending = "refused"
    for output in outputs:
        around = output.base
        if not (around[:32] == MARK).all() or not (around[-32:] == MARK).all():
            msg = f"written outside an output, with the faults {faults}"
            raise AssertionError(msg)
    return faults, ending


def main(calls: int, seed: int = 0) -> None:
    faulthandler.enable()
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for number in range(calls):
        if number % 1000 == 0:  # each thousand can be had again alone
            print(f"seed {seed + number}", file=sys.stderr, flush=True)
            draw = random.Random(seed + number)
        faults, ending = call_once(draw)
        counts["calls"][ending] += 1
        if len(faults) == 1:  # several may make up for each other
            counts[faults[0]][ending] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
