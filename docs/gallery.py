"""A page for each example: what it says of itself, the figure and the text that it makes here and now, its source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def scripts() -> list[Path]:
    """Return the examples that run, without the modules that they share."""
    return [path for path in sorted(EXAMPLES.glob("*.py")) if '__name__ == "__main__"' in path.read_text("utf-8")]


def run(script: Path) -> str:
    """Return what an example prints; raise if it fails, or has no data."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=env)
    if result.returncode:
        msg = f"{script.name} must run, got exit status {result.returncode}: {result.stderr[-2000:]}"
        raise RuntimeError(msg)
    return result.stdout


def write_pages(folder: Path) -> None:
    """Run every example and write its page, and one that lists them all."""
    folder.mkdir(parents=True, exist_ok=True)
    index = ["# Examples", "Scripts in `examples/`: each runs in seconds, on real data, and checks its own claim.", ""]
    for script in scripts():
        print(f"running {script.name}", flush=True)
        printed = "\n".join(line for line in run(script).splitlines() if not line.startswith("Figure: "))
        summary, _, rest = ast.get_docstring(ast.parse(script.read_text("utf-8"))).partition("\n")
        page = [f"# {summary.rstrip('.')}", rest.strip(), ""]
        figure = EXAMPLES / "output" / f"{script.stem}.png"
        if figure.exists():
            (folder / figure.name).write_bytes(figure.read_bytes())
            page += [f"![{summary}]({figure.name})", ""]
        if printed.strip():
            page += ["It prints:", "", "```text", printed.strip("\n"), "```", ""]
        page += [f"## {script.name}", "", f"```{{literalinclude}} ../../examples/{script.name}", "```", ""]
        (folder / f"{script.stem}.md").write_text("\n".join(page), "utf-8")
        index.append(f"- [{summary.rstrip('.')}]({script.stem}.md)")
    hidden = ["", "```{toctree}", ":hidden:", "", *(script.stem for script in scripts()), "```", ""]
    (folder / "index.md").write_text("\n".join([*index, *hidden]), "utf-8")
