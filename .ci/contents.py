"""Check that an sdist and a wheel hold what belongs there and nothing else: `python .ci/contents.py SDIST WHEEL`."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IN_WHEEL = re.compile(
    r"focalboost/([a-z_]+/)*([a-z_]+\.pyi?|py\.typed)|focalboost/_kernel/_native\.abi3\.so"
    r"|focalboost-[0-9.]+\.dist-info/(METADATA|RECORD|WHEEL|licenses/LICENSE)"
)


def tracked() -> set[str]:
    """Return the files that are in the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(listed.splitlines())


def check_sdist(path: Path) -> None:
    """Every file of the repository and no other, but for the metadata."""
    with tarfile.open(path) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()} - {"PKG-INFO"}
    if found != tracked():
        sys.exit(f"{path.name} holds other files than the repository: {sorted(found ^ tracked())}")


def check_wheel(path: Path) -> None:
    """All Python files of the package, the kernel compiled, and the metadata; no sources of the kernel."""
    with zipfile.ZipFile(path) as archive:
        found = set(archive.namelist())
    strange = [name for name in found if not IN_WHEEL.fullmatch(name)]
    sources = {name.removeprefix("src/") for name in tracked() if name.startswith("src/")}
    missing = {name for name in sources if re.search(r"\.(py|pyi|typed)$", name)} - found
    if strange or missing or "focalboost/_kernel/_native.abi3.so" not in found:
        sys.exit(f"{path.name} holds {strange}, and lacks {sorted(missing)} or the kernel")


if __name__ == "__main__":
    check_sdist(Path(sys.argv[1]))
    check_wheel(Path(sys.argv[2]))
