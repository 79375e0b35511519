"""Print the requirements of extras in pyproject.toml, one to a line, but for xgboost.

The Makefile installs xgboost-cpu, the same module without hundreds of megabytes for the GPU, and pip cannot know that
it stands for xgboost. So the lists stay in pyproject.toml, and this leaves the one name out.
"""

import re
import sys
import tomllib
from pathlib import Path

OWN = re.compile(r"focalboost\[(.+)\]")


def requirements(extras: dict[str, list[str]], name: str) -> list[str]:
    """Return the requirements of one extra, those of the extras it names included."""
    found = []
    for requirement in extras[name]:
        if own := OWN.fullmatch(requirement):
            for part in own[1].split(","):
                found += requirements(extras, part)
        else:
            found.append(requirement)
    return found


if __name__ == "__main__":
    pyproject = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    extras = pyproject["project"]["optional-dependencies"]
    wanted = {requirement for name in sys.argv[1:] for requirement in requirements(extras, name)}
    print(*sorted(line for line in wanted if not re.match(r"xgboost\b", line)), sep="\n")
