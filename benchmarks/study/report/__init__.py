"""The report, docs/evidence, from the stored results alone: a page for each question."""

from __future__ import annotations

import json
from pathlib import Path

from ..records import read, record_path
from ..runner import KEY
from . import calibration, decisions, index, sets, tuned, untuned
from .common import complete


def write(results_path: Path, folder: Path) -> Path:
    """Write the pages and their figures into a folder, and return the first page's path."""
    everything = read(results_path)
    record = json.loads(record_path(results_path).read_text()) | {"done": len(everything[KEY].drop_duplicates())}
    results = complete(everything, record["methods"])
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "index": index.page(results, record),
        "tuned": tuned.page(results, folder),
        "untuned": untuned.page(results),
        "decisions": decisions.page(results),
        "calibration": calibration.page(results, folder),
        "sets": sets.page(results),
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    return folder / "index.md"
