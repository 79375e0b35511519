"""The Python blocks of the README."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks():
    """Return each block below as many empty lines as make a traceback show the README's line."""
    text = README.read_text(encoding="utf-8")
    return [
        "\n" * text[: match.start(1)].count("\n") + match[1]
        for match in re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    ]
