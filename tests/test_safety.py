"""Safety: nothing unpickles, nothing runs a shell, JupyterLab keeps its token."""

import ast
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from fmnist_utils.models.backend import keras
from fmnist_utils.recipes import PUBLISHED
from fmnist_utils.runs import Run

ROOT = Path(__file__).parent.parent
CODE = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for folder in ("fmnist_utils", "tools", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
    CODE[path.name] = "\n\n".join(
        cell.source
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code" and "colab" not in cell.metadata.get("tags", [])
    )


def calls(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}


@pytest.mark.parametrize("name", CODE)
def test_nothing_is_unpickled_and_no_text_is_run_as_code(name):
    imported = re.findall(r"^\s*(?:import|from) (\w+)", CODE[name], re.M)
    assert not {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"} & set(imported)
    for function, given in calls(CODE[name]):
        assert function not in ("eval", "exec", "os.system", "os.popen"), function
        assert given.get("shell", "False") == "False", function
        assert given.get("safe_mode", "True") == "True", function
        assert not function.endswith(("enable_unsafe_deserialization", "read_pickle"))
        if function.endswith("np.load"):
            assert given.get("allow_pickle") == "False"


def test_every_door_is_looked_at():
    assert {"fmnist_utils/__init__.py", "fmnist_utils/runs/files.py"} <= CODE.keys()


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize("what", ["test_outputs", "test_labels", "train_confusion"])
def test_a_pickle_in_the_place_of_a_runs_arrays_is_not_opened(what, tmp_path):
    evil = np.array([Evil(tmp_path / "opened")], dtype=object)
    np.savez(tmp_path / "test.npz", outputs=evil, labels=evil, train_confusion=evil)
    with pytest.raises(ValueError, match="allow_pickle"):
        getattr(Run(PUBLISHED["cnn-basic"], tmp_path, {}), what)
    assert not (tmp_path / "opened").exists()
    with np.load(tmp_path / "test.npz", allow_pickle=True) as arrays:
        dict(arrays)
    assert (tmp_path / "opened").exists(), "else this test shows nothing"


def test_a_run_whose_model_holds_code_is_not_opened(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="[Ll]ambda|unsafe"):
        Run(PUBLISHED["cnn-basic"], tmp_path, {}).model  # noqa: B018
