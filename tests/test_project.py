"""The project's files agree with each other."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "fmnist_utils").glob("*.py"))
REQUIRED = re.findall(r"^([a-z0-9-]+)", (ROOT / "requirements.txt").read_text(), re.M)
EXTRA = r"(?m)^([a-z0-9-]+)\[[a-z,-]+\](?===)"
LOCK = re.sub(EXTRA, r"\1", (ROOT / "requirements.lock").read_text())
ORDER = [
    "data", "models", "recipes", "speedrun", "course", "training", "evaluation", "store", "runs",
    "jobs", "spaces", "trial_storage", "tuning", "keras_search", "reference", "searches",
    "study_list", "studies", "claim_list", "claims", "reproducing", "photo_file", "photo",
    "predicting", "plots",
]  # fmt: skip


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_requirements_name_what_the_course_is_made_of():
    named = {"tensorflow", "jupyterlab", "nbval", "seaborn", "scikit-learn", "papermill"}
    assert named | {"keras-tuner"} <= set(REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
def test_lock_holds_every_requirement_with_hashes(name):
    assert re.search(rf"^{name}==\S+( ;[^\n]*)? \\\n    --hash=sha256:[0-9a-f]{{64}}", LOCK, re.M)


def test_lock_holds_no_addresses():
    assert "://" not in LOCK
    assert "--index" not in LOCK


def test_binder_installs_versions_of_the_lock():
    lines = re.sub(EXTRA, r"\1", (ROOT / "binder" / "requirements.txt").read_text()).splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    only_for_tests = {"nbval", "pytest", "pytest-xdist", "hypothesis"}
    expected = set(REQUIRED) - only_for_tests - {"tensorflow"} | {"tensorflow-cpu"}
    assert set(pins) == expected
    for name, version in pins.items():
        assert f"\n{name.removesuffix('-cpu')}=={version} " in LOCK


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.name)
def test_modules_are_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= 200


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.name)
def test_one_direction_of_flow(path):
    used = set(imports(path))
    if path.stem != "plots":
        assert not [name for name in used if name.startswith(("matplotlib", "seaborn"))]
    assert not [name for name in used if name.startswith("papermill")]
    if path.stem in ORDER:
        above = ORDER[ORDER.index(path.stem) + 1 :]
        assert not used & {f"fmnist_utils.{name}" for name in above}
