"""The directive `summary`: a class's parameters in a table, and its methods by what they are for."""

import inspect
import re
from importlib import import_module

from numpydoc.docscrape import NumpyDocString
from sphinx.util.docutils import SphinxDirective

# Methods by purpose, in this order; the others come last.
PURPOSES = {
    "Before training": ("prepare", "resolve", "normalize", "weighed", "intercept", "offset", "loss", "of"),
    "Training": ("fit", "mean_shift"),
    "Values and derivatives": ("gradient_hessian",),
    "Prediction": ("predict", "predict_proba", "decision_function"),
    "Saving and conversion": ("to_stock", "to_local", "from_booster", "load_model"),
    "Drawing": ("from_estimator", "from_cv_results", "from_gammas", "from_predictions", "plot"),
    "Parameters": ("set_params", "get_xgb_params"),
}


class Summary(SphinxDirective):
    """Tables of the class that the argument names."""

    required_arguments = 1

    def run(self):
        """Return what the class is, and the tables."""
        self.env.note_dependency(__file__)
        module, _, name = self.arguments[0].rpartition(".")
        cls = getattr(import_module(module), name)
        lines = [f"{first_sentence(inspect.getdoc(cls))}.", "", *parameters(cls), *methods(cls, self.arguments[0])]
        return self.parse_text_to_nodes("\n".join(lines))


def first_sentence(text):
    """Return a docstring's first sentence, in one line."""
    return re.split(r"(?<=[.:;])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".:;")


def parameters(cls):
    """Return the table of parameters."""
    rows = []
    for entry in NumpyDocString(inspect.getdoc(cls))["Parameters"]:
        values, _, default = entry.type.partition("default=")
        names = entry.name.split(", ")
        shown = ", ".join(f"``{one}``" for one in names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        default = default and f"``{default}``"
        rows.append([shown, values.strip(" ,"), default, first_sentence(" ".join(entry.desc))])
    return table(["parameter", "values", "default", "in short"], rows) if rows else []


def methods(cls, name):
    """Return the table of methods, by purpose."""
    own = [
        each
        for base in cls.__mro__
        if base.__module__.startswith("focalboost")
        for each, value in vars(base).items()
        if not re.match("_|set_.*_request", each) and (inspect.isroutine(value) or isinstance(value, classmethod))
    ]
    known = {each: purpose for purpose, several in PURPOSES.items() for each in several}
    rows = [
        ["" if k else purpose, f":py:meth:`~{name}.{each}`", first_sentence(inspect.getdoc(getattr(cls, each)))]
        for purpose in [*PURPOSES, "Others"]
        for k, each in enumerate(each for each in dict.fromkeys(own) if known.get(each, "Others") == purpose)
    ]
    return table(["methods", "", "in short"], rows) if rows else []


def table(header, rows):
    """Return a table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [header, *rows]:
        lines += [f"   {'* -' if k == 0 else '  -'} {cell}" for k, cell in enumerate(row)]
    return [*lines, ""]


def setup(app):
    """Register the directive."""
    app.add_directive("summary", Summary)
    return {"parallel_read_safe": True}
