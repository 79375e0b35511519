"""The page of long tables."""

from __future__ import annotations

from itertools import product

import pandas as pd

from ..tables import BOTH, FRAMEWORKS, by_set, label, markdown
from .common import TITLES, sets_of
from .decisions import ALERTS, COSTS

MEASURES = {
    "large": ("average_precision", "log_loss", "roc_auc", "brier", "calibration_error", *ALERTS, *COSTS),
    **dict.fromkeys(
        ("multiclass", "covertype"), ("average_precision", "log_loss", "f1", "balanced_accuracy", "calibration_error")
    ),
    "open": ("average_precision", "log_loss"),
}


def page(results: pd.DataFrame) -> str:
    """Return the page."""
    text = [
        "# Set by set",
        "Means over the splits, tuned models. Of more than two classes: macro averages, and the most probable class "
        "for F1 and balanced accuracy.",
    ]
    for group, measures in MEASURES.items():
        if not sets_of(results, group, "tuned"):
            continue
        text.append(f"## {TITLES[group]}")
        for measure, framework in product(measures, BOTH):
            table = by_set(results, measure, framework, sets_of(results, group, "tuned"))
            if len(table):
                shown, corner = (table, "set") if group == "open" else (table.T, "method")
                text.append(f"### {FRAMEWORKS[framework]}, {label(measure)}\n\n{markdown(shown, 4, corner)}")
    return "\n\n".join(text)
