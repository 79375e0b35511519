"""The page of what is decided with the scores."""

from __future__ import annotations

import pandas as pd

from ..methods import REFERENCE
from ..tables import BOTH, FRAMEWORKS, by_set, label, markdown
from .common import LOG_POINTS, digits, over_sets, sets_of

COSTS = ("cost_5", "cost_20", "cost_100")
ALERTS = ("recall_at_0.1_fpr", "recall_at_1_fpr", "alert_precision")


def page(results: pd.DataFrame) -> str:
    """Return the page."""
    text = [
        "# Decisions: costs, recall and alerts",
        "The tuned models on the large tables of two classes. **Cost**: a missed positive costs 5, 20 or 100 times a "
        "false alarm; flagged are the rows whose probability says so, those of 1 / (1 + ratio) or more; the cost is "
        "shown over that of the better of flagging none and flagging all, so 1 is a useless model. **Recall** at a "
        "false positive rate of .1 and of 1 %. **Precision** of the alerts, where the top .5 % of the rows are looked "
        f"at. Gains are against *{REFERENCE}*, the mean over the sets with a 95 % interval, in brackets the smallest "
        f"that would show; of costs, log points. {LOG_POINTS} Set by set: [tables](sets.md).",
    ]
    sets = sets_of(results, "large", "tuned")
    if not sets:
        return "\n\n".join(text)
    for title, measures in (("What decisions cost", COSTS), ("What a team of analysts sees", ALERTS)):
        text.append(f"## {title}")
        for framework in BOTH:
            columns = {}
            for measure in measures:
                columns[label(measure)] = by_set(results, measure, framework, sets).mean().map("{:.4f}".format)
                gain = over_sets(results, measure, framework, "large")
                columns[f"gain, {label(measure)}"] = {name: one.text(digits(measure)) for name, one in gain.items()}
            table = pd.DataFrame(columns).fillna("")
            text.append(
                f"### {FRAMEWORKS[framework]}, mean over {len(sets)} sets\n\n{markdown(table, corner='method')}"
            )
    return "\n\n".join(text)
