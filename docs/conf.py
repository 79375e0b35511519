"""Settings of the site: pages in Markdown, the reference from the docstrings, the examples run while it is built."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from figures import draw_all  # noqa: E402 (they stand beside this file)
from gallery import write_pages  # noqa: E402
from inventories import write_inventories  # noqa: E402

project = "focalboost"
author = "The focalboost developers"
copyright = author  # noqa: A001 (Sphinx's name)
version = release = version_of("focalboost")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "summaries",
]
exclude_patterns = ["_build"]
html_math_renderer = "mathml"
intersphinx_mapping = write_inventories(HERE / "generated")
templates_path = ["_templates"]
default_role = "py:obj"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"focalboost {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_favicon = "_static/favicon.svg"
html_theme_options = {"navigation_with_keys": True}


def setup(app):
    """Draw the figures and run the examples before the pages that show them are read."""
    app.connect("builder-inited", prepare, priority=1)


def prepare(app):
    """Write what the pages show."""
    draw_all(HERE / "generated")
    write_pages(HERE / "gallery", HERE.parent / "src")
