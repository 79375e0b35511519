"""Checks in environments of their own: `nox` runs them all, `nox --list` names them, `nox -s NAME` runs one.

The interpreters 3.11, 3.12 and 3.13 must be on the PATH; one that is missing is skipped.
"""

import nox

nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS)
@nox.parametrize("versions", ["oldest", "newest"])
def tests(session: nox.Session, versions: str) -> None:
    """Run the tests but the slow ones, with the oldest or the newest versions of what focalboost stands on."""
    pins = ["--constraint", ".ci/oldest.txt"] if versions == "oldest" else []
    install_tests(session, *pins)
    session.run("python", "-m", "pip", "check")
    session.run("pytest", "-m", "not slow", *session.posargs)


def install_tests(session: nox.Session, *options: str) -> None:
    """Install the package, editable as `make test` does it, and what its tests need."""
    wanted = session.run("python", ".ci/requirements.py", "test", silent=True)
    session.install("--editable", ".", "xgboost-cpu>=3.1", *str(wanted).split(), *options)
