"""Data for a cluster: on features of few values the bins, and so the trees, are those of one machine."""

from itertools import pairwise

import numpy as np


def few_values(n_classes=2, n=600, seed=0):
    """Features of at most 5 values, labels of every class, and weights whose sums are exact."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 5, size=(n, 6)).astype(np.float64)
    score = np.stack([X[:, k % 6] * 0.8 + X[:, (k + 1) % 6] * 0.4 - 0.8 * k for k in range(n_classes)])
    y = np.argmax(score + rng.gumbel(size=score.shape), axis=0)
    y[:n_classes] = np.arange(n_classes)
    return X, y, rng.integers(1, 9, size=n) / 4.0


def spread(client, array, lengths):
    """Put consecutive rows on the workers in turn, one partition after the other."""
    import dask.array as da
    from dask import delayed

    client.wait_for_workers(2, timeout=60)  # one that was slow to answer is taken for lost, and comes back
    workers = sorted(client.nthreads())
    ends = np.cumsum([0, *lengths])
    assert ends[-1] == len(array)
    parts = []
    for i, (begin, end) in enumerate(pairwise(ends)):
        part = client.scatter(array[begin:end], workers=[workers[i % 2]], hash=False)
        # An array leaves out a part that it knows to be empty, and so not one of unknown length.
        shape = (end - begin or np.nan, *array.shape[1:])
        parts.append(da.from_delayed(delayed(part), shape=shape, dtype=array.dtype))
    return da.concatenate(parts)
