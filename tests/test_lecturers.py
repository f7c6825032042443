"""What lecturers use: handouts without solutions, and a class list run with a seed each."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from fmnist_utils import exercises, runs
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes import PUBLISHED

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def tool(name, *arguments, **environment):
    return subprocess.run(
        [sys.executable, ROOT / "tools" / f"{name}.py", *map(str, arguments)],
        text=True,
        capture_output=True,
        env=os.environ | {"FMNIST_DATA_DIR": "stand-in"} | environment,
    )


@pytest.fixture(scope="module")
def handouts(tmp_path_factory):
    out = tmp_path_factory.mktemp("handout")
    done = tool("handout", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_handout_has_the_exercises_and_no_solution(path, handouts):
    lesson = nbformat.read(path, 4)
    cut = nbformat.read(handouts / path.name, 4)
    nbformat.validate(cut)
    checks = [re.search(r'exercises\.check\("([^"]+)"', cell.source) for cell in cut.cells]
    asked = [found[1] for found in checks if found]
    assert len(asked) >= 4
    assert len(asked) == len(set(asked))
    solutions = [
        cell.source for cell in lesson.cells if "solution" in cell.metadata.get("tags", [])
    ]
    assert len(solutions) == len(asked)
    text = "\n".join(cell.source for cell in cut.cells)
    assert "solution" not in text.split("## Exercises")[1]
    assert text.count("**Question.**") >= 3
    assert "details>" not in text
    for solution in solutions:
        answer = [line for line in solution.splitlines() if "exercises.check" not in line]
        assert "\n".join(answer).strip() not in text
    for cell in cut.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            if "exercises.check" in cell.source:
                assert "None" in cell.source
    assert len(cut.cells) == len(lesson.cells) - len(solutions)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_handout_s_exercises_run_and_say_no_answer_yet(path, handouts, capsys):
    names = {"exercises": exercises, "np": np}
    cells = [cell.source for cell in nbformat.read(handouts / path.name, 4).cells]
    asked = [source for source in cells if "exercises.check" in source]
    for source in asked:
        exec(source, names)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(asked) >= 4
    assert all(line.endswith("no answer yet.") for line in said)


def test_handout_never_overwrites_the_lessons():
    before = {path: path.read_bytes() for path in NOTEBOOKS}
    done = tool("handout", "--out", ROOT / "notebooks")
    assert done.returncode == 1
    assert "holds the lessons themselves" in done.stderr
    assert {path: path.read_bytes() for path in NOTEBOOKS} == before


def test_a_class_of_two(tmp_path, dataset):
    for seed in (1, 2):  # what a lesson would have trained
        runs.train(PUBLISHED["mlp-350-80"], dataset, PROFILES["smoke"], seed)
    (tmp_path / "class.csv").write_text("student,seed\nAda,1\nGrace Hopper,2\n")
    given = nbformat.v4.new_code_cell('profile = ""\nseed = 0', metadata={"tags": ["parameters"]})
    lesson = nbformat.read(NOTEBOOKS[1], 4)
    lesson.cells = [given, nbformat.v4.new_code_cell('print(profile, "with seed", seed)')]
    (tmp_path / "lessons").mkdir()
    nbformat.write(lesson, tmp_path / "lessons" / "02_mlp.ipynb")
    done = tool(
        "class_list",
        tmp_path / "class.csv",
        "02",
        "--profile",
        "smoke",
        "--out",
        tmp_path / "out",
        "--notebooks",
        tmp_path / "lessons",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert table.student.tolist() == ["Ada", "Grace Hopper"]
    assert table.seed.tolist() == [1, 2]
    assert set(table.model) == {"mlp-350-80"}
    assert table.test_accuracy.between(0, 1).all()
    assert table.test_loss.nunique() == 2
    for student, seed in zip(table.student, table.seed, strict=True):
        executed = nbformat.read(tmp_path / "out" / student / "02_mlp.ipynb", 4)
        assert executed.cells[-1].outputs[0].text == f"smoke with seed {seed}\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't be read as a class list"),
        ("", "can't be read as a class list"),
        ("name,seed\nAda,1\n", "needs the columns student and seed"),
        ("student,seed\n", "needs the columns student and seed"),
        ("student,seed\n../../etc,1\n", "can't be a folder's name"),
        ("student,seed\nAda,-1\n", "Ada: .*seed"),
        ("student,seed\nAda,x\n", "Ada: .*seed"),
        ("student,seed\nAda,1\nAda,2\n", "'Ada' twice"),
    ],
)
def test_what_is_no_class_list_is_refused_before_anything_runs(content, says, tmp_path):
    file = tmp_path / "class.csv"
    if content is not None:
        file.write_text(content)
    done = tool("class_list", file, "01", "--profile", "smoke", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert re.search(says, done.stderr)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
