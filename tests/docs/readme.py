"""The Python blocks of the README and of the pages in docs."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def blocks():
    """Return the README's blocks."""
    return blocks_of(README)


def blocks_of(path):
    """Return each block below as many empty lines as make a traceback show the file's line."""
    text = path.read_text(encoding="utf-8")
    return [
        "\n" * text[: match.start(1)].count("\n") + match[1]
        for match in re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    ]
