"""Any dtype, stride, memory order and alignment gives the values of a contiguous copy; inputs stay as they were."""

import numpy as np
import pytest
from layouts import LAYOUTS

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

LOSSES = {
    "binary": BinaryFocalLoss(2.0, 0.3),
    "softmax": MulticlassFocalLoss(1.5, (0.5, 1.0, 3.0)),
    "sigmoid": SigmoidFocalLoss(2.0, (0.2, 0.5, 0.7)),
}
N = 700  # more than a block


def problem(name, dtype=np.float64):
    rng = np.random.default_rng(5)
    shape = N if name == "binary" else (N, 3)
    y = rng.integers(0, 2 if name == "binary" else 3, N)
    return LOSSES[name], y, rng.normal(scale=3, size=shape).astype(dtype), rng.uniform(0, 2, N)


def results(loss, y, z, weight, **options):
    return (*loss.gradient_hessian(y, z, weight, **options), loss.loss(y, z, weight))


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


@pytest.fixture(params=LOSSES)
def name(request):
    return request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layout_of_margins(name, layout, dtype):
    loss, y, z, weight = problem(name, dtype)
    margin = layout(z)
    np.testing.assert_array_equal(margin, z)
    found, expected = results(loss, y, margin, weight), results(loss, y, z, weight)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == dtype
        assert a.dtype.isnative
        assert a.shape == b.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layout_of_weights(name, layout, dtype):
    loss, y, z, weight = problem(name)
    weight = weight.astype(dtype)
    for a, b in zip(results(loss, y, z, layout(weight)), results(loss, y, z, weight), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_layout_of_labels(name, layout, dtype):
    loss, y, z, weight = problem(name)
    expected = results(loss, y, z, weight)
    for a, b in zip(results(loss, layout(y.astype(dtype)), z, weight), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_layout_of_multilabel_targets(layout):
    loss, y, z, weight = problem("sigmoid")
    targets = np.eye(3)[y]
    expected = results(loss, y, z, weight)
    for dtype in (np.float32, np.float64, np.int8, bool):
        for a, b in zip(results(loss, layout(targets.astype(dtype)), z, weight), expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.uint64, np.float16, np.float32, np.float64])
def test_dtype_of_labels(dtype):
    loss, y, z, weight = problem("binary")
    for a, b in zip(results(loss, y.astype(dtype), z, weight), results(loss, y, z, weight), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, np.float16, ">f4", ">i4", bool])
def test_dtype_of_margins_and_weights(name, dtype):
    loss, y, z, _ = problem(name)
    z, weight = np.rint(np.abs(z)).astype(dtype), (np.arange(N) % 100).astype(dtype)
    native = np.float32 if dtype == ">f4" else np.float64
    found = results(loss, y, z, weight)
    for a, b in zip(found, results(loss, y, z.astype(native), weight.astype(np.float64)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == native


def test_lists():
    y, z, weight = [0, 1, True], [0.5, -1, 2.0], [1, 0.5, 2]
    found = results(BinaryFocalLoss(), y, z, weight)
    for a, b in zip(found, results(BinaryFocalLoss(), np.array(y), np.array(z), np.array(weight)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_broadcast_inputs(name):
    loss = LOSSES[name]
    z = np.broadcast_to(np.float64(0.7), N if name == "binary" else (N, 3))
    y, weight = np.broadcast_to(1, N), np.broadcast_to(0.5, N)
    expected = results(loss, y.copy(), z.copy(), weight.copy())
    for a, b in zip(results(loss, y, z, weight), expected, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a == a[0]).all()


def test_memory_mapped_inputs(name, tmp_path):
    loss, y, z, weight = problem(name, np.float32)
    mapped = []
    for i, array in enumerate((y, z, weight)):
        np.save(tmp_path / f"{i}.npy", array)
        mapped.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    for a, b in zip(results(loss, *mapped), results(loss, y, z, weight), strict=True):
        np.testing.assert_array_equal(a, b)
        assert type(a) is np.ndarray


@pytest.mark.parametrize("output", [np.float32, np.float64, "float32", None])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_order_of_the_output(name, dtype, order, output):
    loss, y, z, weight = problem(name, dtype)
    z = np.asarray(z, order=order)
    gradient, hessian = loss.gradient_hessian(y, z, weight, dtype=output)
    for array in (gradient, hessian):
        assert array.shape == z.shape
        assert array.dtype == (dtype if output is None else output)
        assert array.strides == (z.strides if array.dtype == z.dtype else np.empty_like(z, dtype=output).strides)
        assert array.flags.writeable
        assert array.flags.owndata
    assert loss.loss(y, z).shape == (N,)
    assert loss.loss(y, z).dtype == dtype
    assert not np.shares_memory(gradient, hessian)


def test_inputs_are_not_modified(name, layout):
    loss, y, z, weight = problem(name)
    given = [layout(y.astype(np.float32)), layout(z), layout(weight)]
    before = [array.copy() for array in given]
    results(loss, *given)
    loss(*given)
    loss.predict_proba(given[1])
    loss.intercept(given[0], given[2])
    loss.resolve(given[0], given[2])
    for a, b in zip(given, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("output", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [*range(2, 18), 23])
def test_rows_and_columns_give_the_same_bits(n_classes, dtype, output):
    # Rows in C order take another way through the registers than columns do, by the number of classes.
    rng = np.random.default_rng(n_classes)
    loss = MulticlassFocalLoss(2.0)
    for n in (1, 8, 9, 63, 64, 65, 137):
        y, z = rng.integers(0, n_classes, n), rng.normal(scale=3, size=(n, n_classes)).astype(dtype)
        apart = np.full((n, n_classes + 3), np.nan, dtype=dtype)
        apart[:, :n_classes] = z
        by_columns = loss.gradient_hessian(y, np.asfortranarray(z), dtype=output)
        for rows in (z, apart[:, :n_classes]):
            for ours, expected in zip(loss.gradient_hessian(y, rows, dtype=output), by_columns, strict=True):
                np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_infinite_margins_give_the_limit_binary(gamma, dtype):
    # Right: all 0. Wrong: gradient +-1, loss inf, and no curvature.
    y, z = [0, 0, 1, 1], np.array([-np.inf, np.inf, -np.inf, np.inf], dtype=dtype)
    loss = BinaryFocalLoss(gamma)
    np.testing.assert_array_equal(loss.loss(y, z), [0, np.inf, np.inf, 0])
    for hessian in ("exact", "upper"):
        gradient, curvature = loss.gradient_hessian(y, z, hessian=hessian)
        np.testing.assert_array_equal(gradient, [0, 1, -1, 0])
        np.testing.assert_array_equal(curvature, np.zeros(4))
    np.testing.assert_array_equal(loss.gradient_hessian(y, z, max_step=4.0)[1], [0, 0.25, 0.25, 0])
    assert loss(y, z, [1, 0, 0, 1]) == 0
    assert loss(y, z) == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_infinite_margins_give_the_limit_softmax(gamma, dtype):
    inf = np.inf
    z = np.array(
        [[inf, 0, 1], [inf, 0, 1], [-inf, 0, 0], [-inf, 0, -inf], [inf, -inf, -inf], [-inf, 0, 0]], dtype=dtype
    )
    y = [0, 1, 0, 1, 0, 1]
    loss, half = MulticlassFocalLoss(gamma), BinaryFocalLoss(gamma)
    at_zero = half.loss([1], [0.0])[0]
    np.testing.assert_allclose(loss.loss(y, z), [0, inf, inf, 0, 0, at_zero], rtol=1e-6)
    gradient, hessian = loss.gradient_hessian(y, z, hessian="exact")
    g, h = (array[0] for array in half.gradient_hessian([1], [0.0], hessian="exact"))
    expected = [[0, 0, 0], [1, -1, 0], [-1, 0.5, 0.5], [0, 0, 0], [0, 0, 0], [0, g, -g]]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    # The true class is out of reach: what remains is the softmax of the others.
    np.testing.assert_allclose(hessian, [[0] * 3, [0] * 3, [0, 0.25, 0.25], [0] * 3, [0] * 3, [0, h, h]], rtol=1e-6)


@pytest.mark.parametrize("row", [[np.inf, np.inf, 0], [0, np.inf, np.inf], [np.inf] * 3, [-np.inf] * 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_undefined_softmax_rows(row, dtype, label):
    z = np.zeros((5, 3), dtype=dtype)
    z[3] = row
    y = np.full(5, label)
    for call in (MulticlassFocalLoss().gradient_hessian, MulticlassFocalLoss().loss, MulticlassFocalLoss()):
        with pytest.raises(ValueError, match=r"raw_prediction must have at most one \+inf .* in row 3"):
            call(y, z)
