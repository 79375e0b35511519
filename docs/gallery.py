"""A page for each example: what it says of itself, the figure and the text that it makes here and now, its source."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
MAIN = '__name__ == "__main__"'
SOURCES = {".py", ".cpp", ".hpp", ".inl"}


def scripts() -> list[Path]:
    """Return the examples that run, without the modules that they share."""
    return [path for path in sorted(EXAMPLES.glob("*.py")) if MAIN in path.read_text("utf-8")]


def run(script: Path) -> str:
    """Return what an example prints; raise if it fails, or has no data."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=env)
    if result.returncode:
        msg = f"{script.name} must run, got exit status {result.returncode}: {result.stderr[-2000:]}"
        raise RuntimeError(msg)
    return result.stdout


def write_pages(folder: Path, package: Path) -> None:
    """Write a page for every example, and one that lists them all; run those that have changed, or whose code has."""
    folder.mkdir(parents=True, exist_ok=True)
    found = scripts()
    shared = [path for path in sorted(EXAMPLES.glob("*.py")) if path not in found]
    sources = [path for path in sorted(package.rglob("*")) if path.suffix in SOURCES]
    code = b"".join(path.read_bytes() for path in (Path(__file__), *shared, *sources))
    cards = []
    for script in found:
        page, stamp = folder / f"{script.stem}.md", folder / f"{script.stem}.sha256"
        digest = hashlib.sha256(script.read_bytes() + code).hexdigest()
        if not (page.exists() and stamp.exists() and stamp.read_text("utf-8") == digest):
            print(f"running {script.name}", flush=True)
            page.write_text(_page(script, run(script), folder), "utf-8")
            stamp.write_text(digest, "utf-8")
        title, summary, _ = _described(script)
        cards.append(f"::::{{grid-item-card}} {title}\n:link: {script.stem}\n:link-type: doc")
        if (folder / f"{script.stem}.png").exists():
            cards[-1] += f"\n:img-top: {script.stem}.png\n:img-alt: Figure of the example: {title}"
        cards[-1] += f"\n\n{summary}\n::::"
    text = [
        "# Examples",
        "Scripts in `examples/`: each runs in seconds, on real data that it fetches itself, and checks its own claim.",
        ":::::{grid} 1 2 2 3\n:gutter: 3\n\n" + "\n\n".join(cards) + "\n:::::",
        "```{toctree}\n:hidden:\n\n" + "\n".join(script.stem for script in found) + "\n```",
    ]
    (folder / "index.md").write_text("\n\n".join(text) + "\n", "utf-8")


def _described(script: Path) -> tuple[str, str, str]:
    """Return an example's title, its first line after the colon that ends the title, and what follows."""
    first, _, rest = ast.get_docstring(ast.parse(script.read_text("utf-8"))).partition("\n")
    title, _, summary = first.partition(": ")
    return title, f"{summary[:1].upper()}{summary[1:]}", rest.strip()


def _page(script: Path, printed: str, folder: Path) -> str:
    title, summary, rest = _described(script)
    page = [f"# {title}", summary, rest]
    figure = EXAMPLES / "output" / f"{script.stem}.png"
    if figure.exists():
        (folder / figure.name).write_bytes(figure.read_bytes())
        page.append(f"![{title}: {summary.rstrip('.')}]({figure.name})")
    printed = "\n".join(line for line in printed.splitlines() if not line.startswith("Figure: ")).strip("\n")
    if printed.strip():
        page.append(f"It prints:\n\n```text\n{printed}\n```")
    source = script.read_text("utf-8")
    others = [path for path in sorted(EXAMPLES.glob("*.py")) if re.search(rf"^from {path.stem} import", source, re.M)]
    links = [f"{{download}}`{path.name} <../../examples/{path.name}>`" for path in (script, *others)]
    page.append(f"## Source\n\nDownload {', '.join(links)}.")
    page.append(f"```{{literalinclude}} ../../examples/{script.name}\n```")
    return "\n\n".join(part for part in page if part) + "\n"
