"""Can the course run here, and if not, what is to be done?

It works with nothing but Python installed: what a check can't import is its finding.
"""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from fmnist_utils.data import files, places
from fmnist_utils.messages import CourseError

GB = 1e9
MEMORY, DISK = 2 * GB, 1 * GB  # what a lesson needs, with room to spare
INSTALL = "python -m pip install -r requirements.txt"

Finding = tuple[bool, str]


def _python() -> Iterator[Finding]:
    fine = sys.version_info < (3, 14)  # an older one than 3.11 has been refused already
    todo = "" if fine else ": install Python 3.13, TensorFlow has no build for a newer one"
    yield fine, f"Python {platform.python_version()}{todo}"


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires("fmnist_utils") or []
    except importlib.metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    fine = 0
    for needed in map(Requirement, _requirements()):
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        # The smaller build for machines without a GPU is the same package under another name.
        names = [needed.name] + (["tensorflow-cpu"] if needed.name == "tensorflow" else [])
        found = [version for name in names if (version := installed(name))]
        if any(needed.specifier.contains(version, prereleases=True) for version in found):
            fine += 1
            continue
        state = f"is version {found[0]}" if found else "is missing"
        wanted = f"{needed.name}{needed.specifier}"
        yield False, f'{needed.name} {state}: python -m pip install "{wanted}"'
    yield True, f"{fine} required packages at the versions asked for"


def installed(name: str) -> str:
    """A package's installed version, or ""."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _memory() -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    text = f"memory: {memory.total / GB:.1f} GB, {memory.available / GB:.1f} GB of it available"
    fine = memory.available >= MEMORY
    yield fine, text + ("" if fine else ": close other programs, or use --profile smoke")


def _disk() -> Iterator[Finding]:
    store = places.run_store()
    # A drive may be missing, with all its folders.
    place = next((one for one in (store, *store.parents) if os.path.exists(one)), store)
    advice = "set FMNIST_RUNS_DIR to another folder"
    try:
        tempfile.TemporaryFile(dir=place).close()
        yield True, f"finished trainings are kept in {store}"
    except OSError as error:
        yield False, f"{store} can't be written to ({error.strerror}): {advice}"
        return
    free = shutil.disk_usage(place).free
    todo = "" if free >= DISK else f": make room, or {advice}"
    yield free >= DISK, f"disk: {free / GB:.1f} GB free there{todo}"


def _data() -> Iterator[Finding]:
    if os.environ.get("FMNIST_DATA_DIR") == "stand-in":
        yield True, "data: the drawn stand-in, as FMNIST_DATA_DIR asks"
        return
    where = places.data_folder()
    bad = len(list(filter(None, files.status(where).values())))
    if bad:
        todo = "python -m fmnist_utils data --fetch"
        yield False, f"data: {bad} of 4 files in {where} are missing or damaged: {todo}"
    else:
        yield True, f"data: all four files are whole in {where}"


def _settings() -> Iterator[Finding]:
    """What Keras's file of settings and the environment ask for, and don't get."""
    asked = places.keras_settings()
    if other := [n for n, own in places.KERAS_SETTINGS.items() if asked.get(n, own) != own]:
        words = ", ".join(f"{name} {asked[name]}" for name in other)
        yield (
            True,
            f"{places.keras_json()} asks for {words}: the lessons take no notice, as it would "
            "change results",
        )
    if ignored := places.ignored_settings():
        names = ", ".join(ignored)
        yield True, f"{names}: set, but the lessons take no notice, as it would change results"


def _kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    todo = "python -m ipykernel install --sys-prefix"
    try:
        starts = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    except NoSuchKernel:
        yield False, f"Jupyter finds no kernel python3: {todo}"
        return
    except RuntimeError:
        yield False, "Jupyter needs a home folder: set HOME to a folder that you may write to"
        return
    here = Path(sys.executable).parent
    # "python" alone means the Python that asks; a path may lead into another environment.
    if starts.is_absolute() and not (starts.exists() and starts.parent.samefile(here)):
        yield False, f"Jupyter's kernel python3 starts another Python, {starts}: {todo}"
    else:
        yield True, "Jupyter's kernel python3 starts this Python"


def examine() -> int:
    """Print one line a finding, `ok` or `!!` in front; return 0 if all is well, else 1."""
    failed = 0
    for check in (_python, _packages, _memory, _disk, _data, _settings, _kernel):
        try:
            findings = list(check())
        except CourseError as error:
            findings = [(False, str(error))]
        except (ImportError, OSError) as error:
            name = check.__name__.strip("_")
            findings = [(False, f"{name}: can't be checked ({error}): {INSTALL}")]
        for fine, text in findings:
            print("ok" if fine else "!!", text, flush=True)
            failed += not fine
    print(f"To be put right: {failed}." if failed else "All is well: the course can run.")
    return 1 if failed else 0
