"""The site's pages: the Python blocks of each run, in order, in one session; so do the examples in docstrings."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from readme import README, blocks, blocks_of

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")

ROOT = Path(__file__).parents[2]
# test_readme.py asks more of the guide.
WRITTEN = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.stem != "guide"]
PAGES = [page for page in WRITTEN if "```python" in page.read_text(encoding="utf-8")]
NEEDED = {
    "dask": ["distributed"],
    "ray": ["ray"],
    "catboost": ["catboost"],
    "serving": ["onnxmltools", "onnxruntime", "treelite"],
}
SOURCES = ROOT / "src"
MODULES = [path for path in sorted(SOURCES.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


# LightGBM says so in every fit on a cluster.
@pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_run(page, monkeypatch, tmp_path, in_new_process):
    for needed in NEEDED.get(page.stem, ()):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    if page.stem == "ray":  # sends functions of a main module to its workers, and warns of its own settings
        script = tmp_path / "page.py"
        script.write_text("\n".join(blocks_of(page)), encoding="utf-8")
        in_new_process("import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')", script, timeout=300)
        return
    session = {"__name__": page.stem}
    data = blocks()[:1] if page.stem == "index" else []  # the landing page shows lines of use alone
    for block in [*data, *blocks_of(page)]:
        exec(compile(block, page, "exec"), session)


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_code_fits_the_column(page):
    """What is longer than 88 characters is cut in a browser."""
    assert [line for block in blocks_of(page) for line in block.splitlines() if len(line) > 88] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_docstrings(path):
    name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    result = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert result.attempted > 0
    assert result.failed == 0


def test_table_of_row_weights():
    """The table of the theory, with the weight by its definition from the gradients of both labels in focal logits."""
    from focalboost import BinaryFocalLoss

    page = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
    head, _, *rows = re.search(r"^\| gamma \|.*?(?=\n\n)", page, flags=re.MULTILINE | re.DOTALL)[0].splitlines()
    probability = np.array([float(cell) for cell in head.strip("| ").split(" | ")[1:]])
    assert len(rows) == 5
    for row in rows:
        gamma, *weights = (float(cell) for cell in row.strip("| ").split(" | "))
        loss = BinaryFocalLoss(gamma)
        z = np.linspace(-12, 12, 240_001)
        g0 = loss.gradient_hessian(np.zeros_like(z), z)[0]
        log_odds = np.log(g0 / -loss.gradient_hessian(np.ones_like(z), z)[0])
        # w (eta - 0) is the gradient by f of label 0, that by z over df/dz.
        weight = g0 / np.gradient(log_odds, z) * (1 + np.exp(-log_odds))
        relative = np.interp(np.log(probability / (1 - probability)), log_odds, weight) / np.interp(0, log_odds, weight)
        np.testing.assert_allclose(weights, relative, atol=6e-4)


def test_pages_and_the_site_know_each_other():
    """Each page that is written by hand is in one of the tables of contents."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    groups = re.findall(r"^```\{toctree\}.*?\n\n(.*?)^```", index, flags=re.MULTILINE | re.DOTALL)
    entries = [re.sub(r".*<(.*)>", r"\1", line) for group in groups for line in group.splitlines()]
    written = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in PAGES}
    assert written - {"index"} - {name for name in written if name.startswith("evidence/")} <= set(entries)
    for entry in entries:
        assert entry == "gallery/index" or (ROOT / "docs" / f"{entry}.md").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_dead_links_are_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    links = importlib.import_module("links")
    (tmp_path / "one.html").write_text('<a id="top" href="two.html#here">x</a> <a href="#top">x</a>', "utf-8")
    (tmp_path / "two.html").write_text('<p id="here"><a href="https://example.org/none">x</a></p>', "utf-8")
    assert links.dead_links(tmp_path) == []
    (tmp_path / "two.html").write_text('<p id="there"><img src="lost.png"><a href="three.html">x</a></p>', "utf-8")
    assert links.dead_links(tmp_path) == ["one.html: two.html#here", "two.html: lost.png", "two.html: three.html"]
