"""Runs that an earlier version kept are brought along, and nothing else is touched."""

import json
import runpy
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from fmnist_utils import runs
from fmnist_utils.profiles import PROFILES
from fmnist_utils.runs import files
from fmnist_utils.training import Recipe

TOOL = Path(__file__).parents[1] / "tools" / "migrate_runs.py"
SMOKE = PROFILES["smoke"]
PLAIN = Recipe("plain", "conv2d", dict(filters=(4,), pools=4, batch_norm="fused"), opens_test=True)
SMOOTH = PLAIN.but("smooth / er", loss="categorical_crossentropy", label_smoothing=0.1)
# What keys lacked until version 0.2, where a recipe said nothing else.
YOUNG = {
    "changes": {},
    "schedule": "constant",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "class_weights": {},
    "averaging": 0.0,
}


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return runs.train([PLAIN, SMOOTH], dataset, SMOKE, folder=folder)


def make_old(run, store):
    """A copy of a run as the version before would have kept it: its key, name and layer's path."""
    key = run.record["key"]
    settings = {n: v for n, v in key["recipe"].items() if n not in YOUNG or v != YOUNG[n]}
    old = key | {"recipe": settings, "opens_test": settings.pop("opens_test")}
    folder = store / f"{run.folder.name.rpartition('.')[0]}.{files.digest(old)}"
    shutil.copytree(run.folder, folder)
    (folder / "run.json").write_text(json.dumps(run.record | {"key": old}, indent=1))
    with zipfile.ZipFile(run.folder / "model.keras") as new:
        members = {name: new.read(name) for name in new.namelist()}
    assert (here := b'"fmnist_utils.models.layers"') in members["config.json"]
    members["config.json"] = members["config.json"].replace(here, b'"fmnist_utils.models"')
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder


@pytest.fixture
def old(trained):
    """The user's run store, as the version before left it."""
    runs.run_store().mkdir()
    return [make_old(run, runs.run_store()) for run in trained]


@pytest.fixture
def migrate(monkeypatch, capsys):
    def call(*folder):
        monkeypatch.setattr(sys, "argv", [TOOL.name, *map(str, folder)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name="__main__")
        return end.value.code, capsys.readouterr()

    return call


def content(folder):
    """Every file below a folder with what is in it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def results(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}


def test_old_runs_are_found_again_with_all_that_they_hold(old, trained, dataset, migrate):
    assert [runs.find(run.recipe, dataset, SMOKE) for run in trained] == [None, None]
    before = [results(folder) for folder in old]
    code, told = migrate()
    assert (code, told.out[:7]) == (0, "2 runs ")
    for run, kept in zip(trained, before, strict=True):
        found = runs.find(run.recipe, dataset, SMOKE)
        assert found.record == run.record
        assert results(found.folder) == kept
        images = dataset.test.images[:500]
        assert found.predict(images).tolist() == run.predict(images).tolist()
    assert not any(folder.exists() for folder in old)
    after = content(runs.run_store())
    code, told = migrate()
    assert (code, told.out[:7]) == (0, "0 runs ")
    assert content(runs.run_store()) == after


def test_a_run_that_is_there_already_is_named_and_both_left_alone(
    old, trained, migrate, monkeypatch
):
    store = runs.run_store()
    shutil.copytree(trained[0].folder, store / trained[0].folder.name)
    before = content(old[0]) | content(store / trained[0].folder.name)
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(store / "another"))
    code, told = migrate(store)
    assert code == 1
    assert str(old[0]) in told.err
    assert trained[0].folder.name in told.err
    assert before.items() <= content(store).items()
    assert not old[1].exists(), "the other one is brought along all the same"


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "{}", '{"key": 5}', '{"key": {"recipe": {}}}', "\0\x1f"]
)
def test_what_is_no_run_is_named_and_left_alone(old, migrate, text):
    foreign = runs.run_store() / "a.full.seed0.12345678"
    foreign.mkdir()
    (foreign / "run.json").write_text(text)
    code, told = migrate()
    assert code == 1
    assert str(foreign) in told.err
    assert [path.read_text() for path in foreign.iterdir()] == [text]
    assert told.out.startswith("2 runs "), "the others are brought along all the same"
