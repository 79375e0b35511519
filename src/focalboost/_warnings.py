"""Warnings that point at the user's own line."""

from __future__ import annotations

import sys
import warnings
from traceback import walk_stack


def warn(message: str) -> None:
    """Give a UserWarning whose place is where this package was called from, also where a framework called it back."""
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_stack(sys._getframe(1))]
    own = [level for level, name in enumerate(modules) if name.partition(".")[0] == __package__]
    warnings.warn(message, UserWarning, stacklevel=own[-1] + 3)
