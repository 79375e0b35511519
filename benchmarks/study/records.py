"""Tables of results on file, and beside each the versions and the budget it was computed with."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd


class OtherBudget(ValueError):  # noqa: N818 (a state of the results, no fault)
    """The results on file were computed with other versions, or another tuning budget."""


def read(path: Path) -> pd.DataFrame:
    """Read results."""
    return pd.read_csv(path)


def record_path(path: Path) -> Path:
    """Return where the versions and the budget behind a table of results are kept."""
    return path.with_name(path.name.split(".")[0] + ".json")


def keep_record(
    path: Path, packages: Iterable[str], budget: Mapping[str, Any], beside: Mapping[str, Any] | None = None
) -> None:
    """Write down versions and budget, and refuse to mix results of two; what stands `beside` them may differ."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    record = json.loads(json.dumps({"versions": versions, **budget}))
    kept = json.loads(path.read_text()) if path.exists() else record
    if differing := [key for key in record if kept.get(key) != record[key]]:
        msg = f"{path} was begun with other {', '.join(differing)}: give other --results, or remove it and its table"
        raise OtherBudget(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record | dict(beside or {}), indent=1) + "\n")
