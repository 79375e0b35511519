"""Where other projects document the names that these pages mention, so that links to them need no network.

Sphinx reads such tables from files that it downloads. These are written instead, from the names below.
"""

from __future__ import annotations

import zlib
from pathlib import Path

# Project: the root of its pages, the pattern of a name's page, and names by their role.
PROJECTS = {
    "numpy": (
        "https://numpy.org/doc/stable/",
        "reference/generated/{name}.html",
        {"class": ["numpy.ndarray"]},
    ),
    "sklearn": (
        "https://scikit-learn.org/stable/",
        "modules/generated/{name}.html",
        {
            "class": [
                "sklearn.calibration.CalibrationDisplay",
                "sklearn.model_selection.GridSearchCV",
                "sklearn.model_selection.RandomizedSearchCV",
                "sklearn.model_selection.HalvingGridSearchCV",
                "sklearn.model_selection.TunedThresholdClassifierCV",
                "sklearn.pipeline.Pipeline",
            ]
        },
    ),
    "lightgbm": (
        "https://lightgbm.readthedocs.io/en/stable/",
        "pythonapi/{name}.html",
        {
            "class": ["lightgbm.LGBMClassifier", "lightgbm.Dataset", "lightgbm.Booster", "lightgbm.DaskLGBMClassifier"],
            "function": ["lightgbm.train", "lightgbm.cv", "lightgbm.early_stopping"],
        },
    ),
    "xgboost": (
        "https://xgboost.readthedocs.io/en/stable/",
        "python/python_api.html",
        {
            "class": ["xgboost.XGBClassifier", "xgboost.DMatrix", "xgboost.QuantileDMatrix", "xgboost.Booster"],
            "function": ["xgboost.train", "xgboost.cv"],
        },
    ),
}


def write_inventories(folder: Path) -> dict[str, tuple[str, str]]:
    """Write a table for each project, in Sphinx's format, and return what `intersphinx_mapping` wants."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (root, pattern, names) in PROJECTS.items():
        head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n# zlib\n"
        lines = [
            f"{name} py:{role} 1 {pattern.format(name=name)}#$ -\n" for role, found in names.items() for name in found
        ]
        path = folder / f"{project}.inv"
        path.write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
        mapping[project] = (root, str(path))
    return mapping
