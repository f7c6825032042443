"""The project's files agree with each other, and the package keeps to its house."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "fmnist_utils"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIREMENTS = re.findall(r"^([^#\s]+)", (ROOT / "requirements.txt").read_text(), re.M)
REQUIRED = [re.match(r"[a-z0-9-]+", line)[0] for line in REQUIREMENTS]
TESTS_ONLY = [re.match(r"[a-z0-9-]+", line)[0] for line in PROJECT["optional-dependencies"]["test"]]
EXTRA = r"(?m)^([a-z0-9-]+)\[[a-z,-]+\](?===)"
LOCK = re.sub(EXTRA, r"\1", (ROOT / "requirements.lock").read_text())


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_requirements_are_those_of_the_package_and_of_its_tests():
    extra = PROJECT["optional-dependencies"]["test"]
    assert PROJECT["dependencies"] + extra == REQUIREMENTS
    assert not {"pytest", "nbval", "hypothesis", "ruff", "import-linter"} & set(
        re.findall(r"[\w-]+", " ".join(PROJECT["dependencies"]))
    )


def test_the_version_to_be_cited_is_the_packages():
    (version,) = re.findall(r"(?m)^version: (.*)$", (ROOT / "CITATION.cff").read_text())
    assert f'__version__ = "{version}"' in (PACKAGE / "__init__.py").read_text()


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_holds_every_requirement_with_hashes(name):
    assert re.search(rf"^{name}==\S+( ;[^\n]*)? \\\n    --hash=sha256:[0-9a-f]{{64}}", LOCK, re.M)


def test_lock_holds_no_addresses():
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_binder_installs_versions_of_the_lock():
    lines = re.sub(EXTRA, r"\1", (ROOT / "binder" / "requirements.txt").read_text()).splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    expected = set(REQUIRED) - set(TESTS_ONLY) - {"tensorflow"} | {"tensorflow-cpu"}
    assert set(pins) == expected
    for name, version in pins.items():
        assert f"\n{name.removesuffix('-cpu')}=={version} " in LOCK


def test_at_most_fourteen_doors():
    parts = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or "." not in path.name]
    doors = {path.stem for path in parts} - {"__init__", "__main__", "__pycache__"}
    assert len(doors) <= 14, sorted(doors)


def test_the_parts_of_the_package_use_each_other_in_one_direction():
    linter = Path(sys.executable).with_name("lint-imports")
    code, said = run(linter, "--no-cache")
    assert code == 0, said
    # Each folder with modules in it has a contract, and each contract names all of its modules.
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert all(contract["exhaustive"] for contract in contracts["contracts"])
    assert not any("ignore_imports" in contract for contract in contracts["contracts"])
    held = {container for one in contracts["contracts"] for container in one["containers"]}
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert held == {".".join(folder.relative_to(ROOT).parts) for folder in folders}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize(
    ("library", "home"),
    [("matplotlib", "plots"), ("seaborn", "plots"), ("papermill", "cli"), ("optuna", "tuning")],
)
def test_a_library_has_one_home(library, home):
    users = [p for p in PACKAGE.rglob("*.py") if any(n.startswith(library) for n in imported(p))]
    at_home = {PACKAGE / home} if library != "optuna" else {PACKAGE / home, PACKAGE / "recipes"}
    assert {user.parent for user in users} <= at_home


def test_nobody_in_the_package_imports_its_face():
    for path in PACKAGE.rglob("*.py"):
        names = {"fmnist_utils.setup", "fmnist_utils.CourseError"}
        assert not names & set(imported(path)), path


@pytest.mark.parametrize(
    ("start", "slow"),
    [
        ("from fmnist_utils import setup, evaluation, exercises, plots", "tensorflow"),
        # `doctor` works where nothing but Python is installed.
        ("from fmnist_utils.cli import doctor, parser; parser.parser('')", "numpy, pandas, psutil"),
        ("from fmnist_utils import recipes, runs, reference", "optuna, keras_tuner, seaborn"),
    ],
)
def test_what_is_slow_is_loaded_where_it_is_needed(start, slow):
    code, said = run(
        sys.executable,
        "-c",
        f"{start}; import sys; sys.exit(str(set('{slow}'.split(', ')) & set(sys.modules) or ''))",
    )
    assert (code, said.strip()) == (1, ""), said


def test_the_formatter_decides_the_layout():
    code, said = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert code == 0, said
    code, said = run(sys.executable, "-m", "ruff", "check", ".")
    assert code == 0, said
    skipped = [path for path in ROOT.rglob("*.py") if ".venv" not in str(path.relative_to(ROOT))]
    mark = "# fmt" + ": "
    assert sum(path.read_text("utf-8").count(mark) for path in skipped) <= 5
