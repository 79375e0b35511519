"""Settings of the site: pages in Markdown, the reference from the docstrings, the gallery from examples/plot_*.py."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples")]

project = "focalboost"
author = "The focalboost developers"
copyright = author  # noqa: A001 (Sphinx's name)
version = release = version_of("focalboost")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.md5", "gallery/*.zip"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
nitpicky = False
default_role = "py:obj"

autosummary_generate = True
autodoc_default_options = {"members": True, "inherited-members": False}
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"/(?!plot_)\w+\.py$",
    "abort_on_example_error": True,
    "show_memory": False,
    "download_all_examples": False,
}

html_theme = "furo"
html_title = f"focalboost {version}"
html_static_path: list[str] = []


def setup(app):
    """Draw the figures of the theory before the pages that show them are read."""
    from figures import draw_all

    app.connect("builder-inited", lambda app: draw_all(HERE / "generated"))
