"""What holds the package together: optional frameworks, layers, public names, versions, sizes."""

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "focalboost"
MODULES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"lightgbm", "xgboost"}
# Modules above both framework packages may use either, but never a framework itself.
COMPOSERS = {
    "focalboost",
    "focalboost.plot",
    "focalboost.dask",
    "focalboost.dask._lightgbm",
    "focalboost.dask._xgboost",
}
LOWEST = ["_validation", "_kernel", "links", "log_odds", "_class_weights", "_base", "losses", "probability"]
# Public modules without __all__: focalboost itself offers their names, or they hold functions for the losses' use.
WITHOUT_ALL = {"losses", "links", "log_odds", "probability"}

# Stands in front of all finders of a new interpreter.
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"lightgbm", "xgboost"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def run_python(code):
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Return the absolute names that a module imports, anywhere in it, and through `require` and import_module."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=module, level=level, names=names):
                base = package[: len(package) - level + 1] if level else []
                base = ".".join([*base, *([module] if module else [])])
                found |= {base} | {f"{base}.{alias.name}" for alias in names}
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(target)), *_]
            ):
                if name in {"require", "import_module", "__import__"}:
                    found.add(target)
    return found


def imported_roots(path):
    return {name.split(".")[0] for name in imports(path)}


def public_modules():
    return [module_name(path) for path in MODULES if not re.search(r"\._(?!_)", f".{module_name(path)}")]


def test_import_needs_no_framework():
    code = f"{BLOCKER}\nimport focalboost\nprint(focalboost.BinaryFocalLoss(2.0).intercept([0, 0, 1]))"
    assert float(run_python(code)) < 0


def test_import_loads_no_framework():
    pytest.importorskip("lightgbm")
    pytest.importorskip("xgboost")
    assert run_python("import sys, focalboost; print({'lightgbm', 'xgboost'} & set(sys.modules))") == "set()"


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_missing_framework_is_named_with_its_remedy(framework):
    code = f"""{BLOCKER}
try:
    import focalboost.{framework}
except ImportError as error:
    print(error)
"""
    message = run_python(code)
    assert f"needs {framework} >= " in message
    assert f"pip install 'focalboost[{framework}]'" in message


def test_missing_dask_is_named_with_its_remedy():
    pytest.importorskip("lightgbm")
    code = """
import sys
sys.modules["distributed"] = None
try:
    from focalboost.dask import DaskFocalLGBMClassifier
except ImportError as error:
    print(error)
"""
    assert "pip install 'focalboost[dask]'" in run_python(code)


@pytest.mark.parametrize("framework, found", [("lightgbm", "4.5.0"), ("xgboost", "3.1.3")])
def test_old_framework_is_refused(framework, found):
    code = f"""
import sys, types
module = types.ModuleType("{framework}")
module.__version__ = "{found}"
sys.modules["{framework}"] = module
try:
    import focalboost.{framework}
except ImportError as error:
    print(error)
"""
    message = run_python(code)
    assert f"found {found}" in message
    assert f"pip install --upgrade 'focalboost[{framework}]'" in message


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_floor_is_that_of_the_extra(framework):
    extras = pyproject()["optional-dependencies"]
    (floor,) = re.findall(rf"^{framework}>=(.+)$", "\n".join(extras[framework]), flags=re.MULTILINE)
    source = (PACKAGE / framework / "_native.py").read_text(encoding="utf-8")
    major, minor = floor.split(".")
    assert f'require("{framework}", "{framework}", ({major}, {minor}))' in source


def test_oldest_versions_are_the_floors():
    project = pyproject()
    wanted = list(project["dependencies"])
    for extra in (*FRAMEWORKS, "plot", "dask"):
        wanted += project["optional-dependencies"][extra]
    floors = dict(re.fullmatch(r"([a-z-]+).*>=([0-9.]+)", requirement).groups() for requirement in wanted)
    # Where Python 3.13 has another, the floor comes first.
    pins = re.findall(r"^([a-z-]+)==([0-9.]+)", (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8"), re.MULTILINE)
    oldest = {name.removesuffix("-cpu"): pin.removesuffix(".0") for name, pin in reversed(pins)}
    assert floors == {name: oldest[name] for name in floors}
    for name in ("Makefile", "noxfile.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"xgboost(?:-cpu)?>=([0-9.]+)", text)) == {floors["xgboost"]}


def test_scikit_learns_estimator_needs_no_framework():
    code = f"{BLOCKER}\nfrom focalboost import FocalHistGradientBoostingClassifier as Own\nprint(Own().focal_gamma)"
    assert run_python(code) == "2.0"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_private_names_of_scikit_learn_are_in_one_module(path):
    private = {name for name in imports(path) if re.match(r"sklearn\.(.*\.)?_", name)}
    assert not private or module_name(path) == "focalboost.sklearn._native"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_layers(path):
    name, roots, names = module_name(path), imported_roots(path), imports(path)
    inside = {f for f in FRAMEWORKS if name.startswith(f"focalboost.{f}") or name == f"focalboost.dask._{f}"}
    assert roots & FRAMEWORKS <= inside
    for framework in FRAMEWORKS - inside:
        assert not any(other.startswith(f"focalboost.{framework}") for other in names) or name in COMPOSERS


@pytest.mark.parametrize("part", LOWEST)
def test_losses_know_nothing_of_frameworks(part):
    """Nor of the adapters: validation, kernel -> losses, links -> framework packages."""
    paths = [path for path in MODULES if module_name(path).startswith(f"focalboost.{part}")]
    assert paths
    for path in paths:
        assert not imported_roots(path) & FRAMEWORKS
        adapters = ("_settings", "_callbacks", "_frameworks", "_estimator", "sklearn", *FRAMEWORKS)
        upper = {f"focalboost.{name}" for name in adapters}
        assert not {".".join(name.split(".")[:2]) for name in imports(path)} & upper


def test_import_reader_sees_all_forms(tmp_path):
    """The layer tests would pass if `imports` saw nothing."""
    path = PACKAGE / "lightgbm" / "_objective.py"
    assert {"numpy", "focalboost._callbacks", "focalboost.lightgbm._native"} <= imports(path)
    assert "lightgbm" in imports(PACKAGE / "lightgbm" / "_native.py")


@pytest.mark.parametrize("name", public_modules())
def test_all_is_sorted_and_complete(name):
    framework = name.split(".")[1] if name.count(".") else ""
    if framework in FRAMEWORKS:
        pytest.importorskip(framework)
    if framework == "dask":
        pytest.importorskip("distributed")
    module = importlib.import_module(name)
    if not hasattr(module, "__all__"):
        assert name.rpartition(".")[2] in WITHOUT_ALL, f"{name} is public and has no __all__"
        return
    assert list(module.__all__) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert hasattr(module, public)
    if Path(module.__file__).name != "__init__.py":
        return  # what a package imports from its modules it offers, a module uses
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert {public for public in imported if not public.startswith("_")} <= set(module.__all__)


def test_losses_are_offered_at_the_top():
    focalboost = importlib.import_module("focalboost")
    for part in ("losses", "probability"):
        tree = ast.parse((PACKAGE / f"{part}.py").read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        assert {name for name in defined if not name.startswith("_")} <= set(focalboost.__all__)


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_version_is_one():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    top = re.search(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)[1]
    focalboost = importlib.import_module("focalboost")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)[1]
    assert focalboost.__version__ == version("focalboost") == pyproject()["version"] == top == cited


def test_release_has_a_date_in_both_or_neither():
    """`unreleased` in the changelog until there is one; then CITATION.cff has it too."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    dated = re.search(r"^## \[.+?\] - (\d{4}-\d\d-\d\d|unreleased)$", changelog, flags=re.MULTILINE)[1]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^date-released: \"?([0-9-]+)\"?$", citation, flags=re.MULTILINE)
    assert (cited[1] if cited else "unreleased") == dated


def test_wheel_of_the_plainest_instruction_set_fails():
    """The check of wheels must be able to fail: it runs on the processor's widest, and not on less."""
    from focalboost._kernel import instruction_set

    if instruction_set == "baseline":
        pytest.skip("this processor has no wider instruction set, or FOCALBOOST_SIMD asks for the plainest")
    code = "import sys; sys.path.insert(0, '.ci'); import try_wheel; try_wheel.check_instruction_set()"
    for chosen, status in (("", 0), ("baseline", 1)):
        environment = os.environ | {"FOCALBOOST_SIMD": chosen}
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
        assert result.returncode == status, result.stdout + result.stderr
    assert result.stderr.startswith("the kernel runs baseline, this processor has")


def test_contents_of_repaired_wheels_of_all_systems(tmp_path):
    """Folders among the entries, and each system's names of the kernel; two kernels, or none, are refused."""
    script = ROOT / ".ci" / "contents.py"
    sources = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".pyi", ".typed"}]
    usual = [path.relative_to(ROOT / "src").as_posix() for path in (*sources, PACKAGE / "py.typed")]

    def status(*kernels):
        path = tmp_path / "x.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name in {*usual, "focalboost/", *(f"focalboost/_kernel/_native{end}" for end in kernels)}:
                wheel.writestr(name, "")
        return subprocess.run([sys.executable, script, path], capture_output=True, check=False).returncode

    for suffix in (".abi3.so", ".cpython-311-darwin.so", ".cpython-311-aarch64-linux-gnu.so", ".pyd"):
        assert status(suffix) == 0, suffix
    assert status(".cp311-win_amd64.pyd") == 0
    assert status() == status(".pyd", ".abi3.so") == status(".cpython-310-darwin.so") == 1


def test_extras_name_only_each_other():
    extras = pyproject()["optional-dependencies"]
    for requirements in extras.values():
        for requirement in requirements:
            if own := re.fullmatch(r"focalboost\[(.+)\]", requirement):
                assert set(own[1].split(",")) <= set(extras)


@pytest.mark.parametrize("extra", ["examples", "test"])
def test_make_installs_what_the_extra_lists(extra):
    """All but xgboost, which the Makefile installs as xgboost-cpu."""
    script = ROOT / ".ci" / "requirements.py"
    lines = subprocess.run([sys.executable, script, extra], capture_output=True, text=True, check=True).stdout.split()
    extras = pyproject()["optional-dependencies"]
    assert set(extras["lightgbm"] + extras["plot"]) <= set(lines)
    assert not any(line.startswith(("xgboost", "focalboost")) for line in lines)
    assert any(line.startswith("pandas") for line in lines)


def test_files_stay_small():
    suffixes = {".py", ".pyi", ".cpp", ".hpp", ".inl"}
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in PACKAGE.rglob("*")
        if path.suffix in suffixes and (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_package_says_it_is_typed():
    focalboost = importlib.import_module("focalboost")
    assert (Path(focalboost.__file__).parent / "py.typed").exists()
