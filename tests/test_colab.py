"""The cell that fetches the course on Google Colab, run with a stand-in for Colab."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def bootstrap(path):
    cells = [
        cell for cell in nbformat.read(path, 4).cells if "colab" in cell.metadata.get("tags", [])
    ]
    assert len(cells) == 1
    return cells[0]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the cell in an empty folder; the commands that it gave, in order."""
    asked = []

    def system(command):
        asked.append(command)
        command = re.sub(r"https://\S+", ROOT.as_uri(), command)  # this very checkout
        subprocess.run(command, shell=True, check=True)

    def magic(name, arguments):
        asked.append(f"{name} {arguments}")
        if name == "cd":
            os.chdir(arguments.removeprefix("-q "))

    def start():
        asked.clear()
        source = TransformerManager().transform_cell(bootstrap(NOTEBOOKS[0]).source)
        shell = SimpleNamespace(system=system, run_line_magic=magic)
        exec(source, {"get_ipython": lambda: shell})
        return list(asked)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return start


def test_all_notebooks_have_the_same_cell_without_output():
    assert len({bootstrap(path).source for path in NOTEBOOKS}) == 1
    assert not any(bootstrap(path).outputs for path in NOTEBOOKS)


def test_elsewhere_it_does_nothing(run, tmp_path):
    assert run() == []
    assert not list(tmp_path.iterdir())


def test_on_colab_it_fetches_the_course_once(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    install, clone, enter = run()
    assert Path.cwd() == tmp_path / "course" / "notebooks"
    assert NOTEBOOKS[0].name in os.listdir()
    assert (Path(sys.path[-1]) / "fmnist_utils" / "__init__.py").exists()
    assert clone.startswith("git clone")
    # Only what Colab lacks: its own TensorFlow and Keras are not touched.
    names = re.findall(r"[a-z][\w-]+(?=[\[\"\s]|$)", install.removeprefix("pip install --quiet"))
    required = (ROOT / "requirements.txt").read_text()
    assert names
    for name in set(names) - {"binary"}:
        assert re.search(rf"^{name}[\[>]", required, re.M), name
        assert not name.startswith(("tensorflow", "keras-nightly"))
    assert "keras" not in names
    assert enter == "cd -q course/notebooks"
    assert run() == []  # run again, it sees that all is there
    monkeypatch.chdir(tmp_path)  # where Colab starts a kernel, when it is restarted, too
    sys.path.remove("..")
    assert run() == [enter]
    assert Path.cwd() == tmp_path / "course" / "notebooks"
    assert sys.path[-1] == ".."


def test_on_colab_what_was_broken_off_is_begun_again(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    (tmp_path / "course").mkdir()  # git clones into an empty folder
    assert len(run()) == 3


def test_what_the_lessons_import_is_on_colab_or_is_installed():
    cell = bootstrap(NOTEBOOKS[0]).source
    installed = {"keras-tuner": "keras_tuner", "optuna": "optuna"}
    on_colab = {
        "keras",
        "matplotlib",
        "numpy",
        "pandas",
        "scipy",
        "seaborn",
        "sklearn",
        "IPython",
        "PIL",
        "tensorflow",
    }
    for path in NOTEBOOKS:
        for one in nbformat.read(path, 4).cells:
            for found in re.findall(r"^(?:import|from) (\w+)", one.source, re.M):
                if one.cell_type == "code" and found not in sys.stdlib_module_names | on_colab:
                    known = found == "fmnist_utils" or any(
                        found == module and name in cell for name, module in installed.items()
                    )
                    assert known, f"{path.name}: {found}"
