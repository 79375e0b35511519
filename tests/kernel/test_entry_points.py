"""The compiled entry points refuse arrays they cannot work on, by an exception and never by a crash."""

import numpy as np
import pytest
from layouts import misaligned, packed

from focalboost._kernel import _native

N, K = 6, 3


def arguments(softmax=False, dtype=np.float64):
    shape = (N, K)
    return {
        "softmax": softmax,
        "margin": np.linspace(-2, 2, N * K).reshape(shape).astype(dtype),
        "label": (np.arange(N) % K).astype(np.float32),
        "weight": np.ones(N),
        "alpha": np.ones(K if softmax else (K, 2)),
        "gamma": 2.0,
        "curvature": _native.UPPER,
        "inverse_step": 0.5,
        "hessian_factor": 1.0,
        "gradient": np.full(shape, 7.0, dtype=dtype),
        "hessian": np.full(shape, 7.0, dtype=dtype),
        "threads": 1,
    }


def loss_arguments(softmax=False, dtype=np.float64):
    given = arguments(softmax, dtype)
    for name in ("curvature", "inverse_step", "hessian_factor", "gradient", "hessian"):
        del given[name]
    return {**given, "loss": np.full(N, 7.0, dtype=dtype)}


ENTRIES = {"derivatives": arguments, "losses": loss_arguments}
OUTPUTS = {"derivatives": ("gradient", "hessian"), "losses": ("loss",)}
ARRAYS = [(entry, name) for entry in ENTRIES for name in ("margin", "label", "weight", *OUTPUTS[entry])]


@pytest.fixture(params=ENTRIES)
def entry(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["sigmoid", "softmax"])
def softmax(request):
    return request.param


def call(entry, given):
    return getattr(_native, entry)(**given)


def rejects(entry, given, *errors):
    """Expect one of the errors, and outputs left alone."""
    outputs = [given[name] for name in OUTPUTS[entry] if isinstance(given[name], np.ndarray)]
    before = [array.copy() for array in outputs]
    with pytest.raises(errors):
        call(entry, given)
    for array, old in zip(outputs, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_valid_arguments(entry, softmax):
    given = ENTRIES[entry](softmax)
    result = call(entry, given)
    if entry == "derivatives":
        assert result == 0
        assert (given["hessian"] > 0).all()
        assert (np.abs(given["gradient"]) < 2).all()
    else:
        assert result == (0, pytest.approx(given["loss"].sum(), rel=1e-14), N)
        assert (given["loss"] != 7).all()


@pytest.mark.parametrize("entry, name", ARRAYS)
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float16, bool, complex, object, ">f8", "<M8[s]", "U3"])
def test_wrong_dtype(entry, softmax, name, dtype):
    given = ENTRIES[entry](softmax)
    given[name] = np.ones(given[name].shape, dtype=int).astype(dtype)
    rejects(entry, given, TypeError)


def test_labels_are_float32(entry, softmax):
    given = ENTRIES[entry](softmax)
    given["label"] = given["label"].astype(np.float64)
    rejects(entry, given, TypeError)


@pytest.mark.parametrize("value", [1.0, "text", [1.0, 2.0]])
def test_no_array(entry, softmax, value):
    for name in ("margin", "label", "weight", "alpha", *OUTPUTS[entry]):
        rejects(entry, {**ENTRIES[entry](softmax), name: value}, TypeError)


def test_none_for_an_array(entry, softmax):
    for name in ("margin", "label", "alpha", *OUTPUTS["derivatives"]):
        rejects(entry, {**ENTRIES[entry](softmax), name: None}, TypeError)
    expected, given = ENTRIES[entry](softmax), ENTRIES[entry](softmax)
    result = call(entry, expected)
    assert call(entry, {**given, "weight": None}) == result
    for name in OUTPUTS[entry]:
        np.testing.assert_array_equal(given[name], expected[name])


def test_losses_without_rows_to_write(softmax):
    given = loss_arguments(softmax)
    assert call("losses", {**given, "loss": None}) == call("losses", given)


@pytest.mark.parametrize("entry, name", ARRAYS)
@pytest.mark.parametrize(
    "shape", [(), (0,), (N - 1,), (N + 1,), (N, K - 1), (N, K + 1), (N + 1, K), (K, N), (N, K, 1), (1, N, K), (0, K)]
)
def test_wrong_shape(entry, softmax, name, shape):
    given = ENTRIES[entry](softmax)
    dtype = np.float32 if name == "label" else np.float64
    given[name] = np.zeros(shape, dtype=dtype)
    rejects(entry, given, TypeError, ValueError)


@pytest.mark.parametrize("size", [0, 1, K - 1, K + 1, 2 * K + 1, 100])
def test_wrong_size_of_alpha(entry, softmax, size):
    given = ENTRIES[entry](softmax)
    given["alpha"] = np.ones(size)
    rejects(entry, given, ValueError)


@pytest.mark.parametrize("change", [misaligned, packed, lambda a: np.asfortranarray(a)[::-1], lambda a: a.astype("f4")])
def test_alpha_is_taken_as_it_is(entry, softmax, change):
    """A copy of a view without memory behind it could take any amount."""
    given = ENTRIES[entry](softmax)
    given["alpha"] = change(given["alpha"])
    rejects(entry, given, TypeError, ValueError)


def test_read_only_outputs(entry, softmax):
    for name in OUTPUTS[entry]:
        given = ENTRIES[entry](softmax)
        given[name].flags.writeable = False
        rejects(entry, given, TypeError, ValueError)


def test_read_only_inputs(entry, softmax):
    given = ENTRIES[entry](softmax)
    for name in ("margin", "label", "weight", "alpha"):
        given[name].flags.writeable = False
    assert call(entry, given) is not None


@pytest.mark.parametrize("change", [misaligned, packed])
@pytest.mark.parametrize("entry, name", ARRAYS)
def test_misaligned(entry, softmax, name, change):
    given = ENTRIES[entry](softmax)
    given[name] = change(given[name])
    rejects(entry, given, TypeError, ValueError, BufferError)


def test_outputs_of_two_types(softmax):
    given = arguments(softmax)
    given["hessian"] = given["hessian"].astype(np.float32)
    rejects("derivatives", given, ValueError)


@pytest.mark.parametrize("gamma", [-1.0, np.nan, np.inf, 1.1e6])
def test_gamma(entry, softmax, gamma):
    rejects(entry, {**ENTRIES[entry](softmax), "gamma": gamma}, ValueError)


def test_softmax_of_one_column_and_of_multilabel_targets(entry):
    given = ENTRIES[entry](True)
    rejects(entry, {**given, "label": np.zeros((N, K), dtype=np.float32)}, ValueError)
    for name in ("margin", *OUTPUTS["derivatives"]):
        if name in given:
            given[name] = given[name][:, :1].copy()
    rejects(entry, {**given, "alpha": np.ones(1)}, ValueError)


@pytest.mark.parametrize("threads", [0, -5, 1, 1000])
def test_any_number_of_threads(entry, softmax, threads):
    expected, given = ENTRIES[entry](softmax), ENTRIES[entry](softmax)
    call(entry, expected)
    assert call(entry, {**given, "threads": threads}) is not None
    for name in OUTPUTS[entry]:
        np.testing.assert_array_equal(given[name], expected[name])


def test_status_tells_what_is_wrong(entry, softmax):
    for name, index, value, bit in [
        ("label", 2, K, _native.LABEL_INVALID),
        ("label", 2, -1, _native.LABEL_INVALID),
        ("label", 2, np.nan, _native.LABEL_INVALID),
        ("margin", (2, 1), np.nan, _native.MARGIN_NAN),
        ("weight", 2, -1, _native.WEIGHT_INVALID),
        ("weight", 2, np.nan, _native.WEIGHT_INVALID),
        ("weight", 2, np.inf, _native.WEIGHT_INVALID),
    ]:
        given = ENTRIES[entry](softmax)
        given[name][index] = value
        result = call(entry, given)
        assert (result if entry == "derivatives" else result[0]) & bit
    given = ENTRIES[entry](softmax)
    given["margin"][2] = np.inf
    result = call(entry, given)
    assert (result if entry == "derivatives" else result[0]) == (_native.MARGIN_UNDEFINED if softmax else 0)


def test_outputs_may_be_strided(softmax):
    expected, given = arguments(softmax), arguments(softmax)
    large = np.full((2 * N, 3 * K), 7.0)
    given["gradient"], given["hessian"] = large[::2, ::3], large[::-2, 1::3]
    call("derivatives", expected)
    call("derivatives", given)
    np.testing.assert_array_equal(given["gradient"], expected["gradient"])
    np.testing.assert_array_equal(given["hessian"], expected["hessian"])
    assert (large[:, 2::3] == 7).all()
