"""Check that sdists and wheels hold what belongs there and nothing else: `python .ci/contents.py FILE...`."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Of the stable ABI, or of Python 3.11; on Windows the former has no name of its own.
KERNEL = re.compile(
    r"focalboost/_kernel/_native(\.abi3\.so|\.cpython-311-(x86_64-linux-gnu|aarch64-linux-gnu|darwin)\.so"
    r"|(\.cp311-win_amd64)?\.pyd)"
)
IN_WHEEL = re.compile(
    r"focalboost/([a-z_]+/)*([a-z_]+\.pyi?|py\.typed)"
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
    """All Python files of the package, one compiled kernel, and the metadata; no sources of the kernel."""
    with zipfile.ZipFile(path) as archive:
        found = {name for name in archive.namelist() if not name.endswith("/")}  # auditwheel lists folders too
    kernels = [name for name in found if KERNEL.fullmatch(name)]
    strange = [name for name in found - set(kernels) if not IN_WHEEL.fullmatch(name)]
    sources = {name.removeprefix("src/") for name in tracked() if name.startswith("src/")}
    missing = {name for name in sources if re.search(r"\.(py|pyi|typed)$", name)} - found
    if strange or missing or len(kernels) != 1:
        sys.exit(f"{path.name} holds {strange} and the kernels {kernels}, and lacks {sorted(missing)}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        (check_wheel if path.suffix == ".whl" else check_sdist)(path)
