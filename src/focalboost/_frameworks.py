"""Finding a framework, its threads, and its model files."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any


def installed(name: str) -> bool:
    """Return whether a framework can be imported, without importing it."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # for a module that something else has put in its place
        return False


def require(name: str, extra: str, minimum: tuple[int, int]) -> ModuleType:
    """Import a framework, or say what to install."""
    needed = f"{name} >= {'.'.join(map(str, minimum))}"
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        msg = f"focalboost.{extra} needs {needed}, which is not installed: pip install 'focalboost[{extra}]'"
        raise ImportError(msg) from error
    found = str(module.__version__)
    numbers = re.match(r"(\d+)\.(\d+)", found)
    if numbers and (int(numbers[1]), int(numbers[2])) < minimum:
        msg = f"focalboost.{extra} needs {needed}, found {found}: pip install --upgrade 'focalboost[{extra}]'"
        raise ImportError(msg)
    return module


def openmp_entry(library: Any) -> int:
    """Return the address of the GOMP_parallel that a loaded shared library links to, or 0 if there is none.

    A look-up through the library's own handle finds the symbol in that library's dependencies: the very thread
    pool that the framework uses, whichever copies of libgomp the process holds.
    """
    try:
        return ctypes.cast(library.GOMP_parallel, ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


def file_content(model: Any) -> bytes | None:
    """Return what is in a model file, or None for anything that is no path of one: that is left to the framework."""
    if isinstance(model, str | os.PathLike) and os.path.isfile(model):
        return Path(model).read_bytes()
    return None
