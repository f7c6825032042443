"""What lecturers use: handouts without solutions, and a class list run with a seed each."""

import importlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

from fmnist_utils import CourseError, data, exercises, runs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import class_list  # noqa: E402
from class_list import read  # noqa: E402
from handout import handout  # noqa: E402

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


def test_handout_has_the_glossary(handouts):
    for page in (ROOT / "notebooks").glob("*.md"):
        assert (handouts / page.name).read_bytes() == page.read_bytes()


def test_handout_never_leaks_what_a_lecturer_has_unfolded():
    v4 = nbformat.v4
    secret = "answer = 42"
    cells = [
        v4.new_code_cell(secret, metadata={"tags": ["solution"]}),  # unfolded
        v4.new_code_cell(secret, metadata={"tags": ["Solution "], "collapsed": False}),
        v4.new_code_cell(f"# Worked solution of 1.1\n{secret}"),  # its tag was lost
        v4.new_markdown_cell(
            f"**Question.** Why?\n\n<details open><summary>A</summary>{secret}</details>"
        ),
        v4.new_markdown_cell(f"Kept.\n\n<DETAILS  open='' >\n\n{secret}\n\n</DETAILS >\n\nKept."),
        v4.new_code_cell("print(answer)", outputs=[v4.new_output("stream", text=secret)]),
    ]
    cut = handout(v4.new_notebook(cells=cells))
    assert secret not in nbformat.writes(cut)
    assert [cell.source for cell in cut.cells] == [
        "**Question.** Why?",
        "Kept.\n\nKept.",
        "print(answer)",
    ]


def test_handout_never_overwrites_the_lessons():
    before = {path: path.read_bytes() for path in NOTEBOOKS}
    done = tool("handout", "--out", ROOT / "notebooks")
    assert done.returncode == 1
    assert "holds the lessons themselves" in done.stderr
    assert {path: path.read_bytes() for path in NOTEBOOKS} == before


def call(monkeypatch, name, *arguments):
    """What a tool's `main` returns."""
    tool = importlib.import_module(name)
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    return tool.main()


def test_handout_of_the_lessons_that_are_named(tmp_path, monkeypatch):
    assert call(monkeypatch, "handout", "02", "04_conv2d", "--out", tmp_path) == 0
    assert {path.stem for path in tmp_path.glob("*.ipynb")} == {"02_mlp", "04_conv2d"}


@pytest.mark.parametrize("fails", [None, "Grace Hopper"])
def test_a_class_of_two(fails, tmp_path, dataset, monkeypatch):
    given, out, seen = tmp_path / "class.csv", tmp_path / "out", []
    given.write_text("Student ; Seed\nGrace Hopper;2.0\n;\nNA;1\n")

    def run_series(notebooks, profile, seed, folder):
        entered = (out / "results.csv").read_text().splitlines() if seen else []
        seen.append(([path.stem for path in notebooks], str(profile), seed, folder, len(entered)))
        return int(folder.name == fails)

    def find(recipe, data, profile, seed):
        there = recipe.id == "mlp-350-80" and data is dataset and profile.name == "smoke"
        return SimpleNamespace(metrics={"test_accuracy": seed / 8}) if there else None

    a_class(monkeypatch, run_series, dataset, find)
    options = "--profile", "smoke", "--out", out
    assert call(monkeypatch, "class_list", given, "02", *options) == (1 if fails else 0)
    assert seen == [
        (["02_mlp"], "smoke", 2, out / "Grace Hopper", 0),
        (["02_mlp"], "smoke", 1, out / "NA", 2),  # the header, and the row of the one before
    ]
    assert (out / "results.csv").read_text().splitlines() == [
        "student,seed,model,profile,test_accuracy",
        "Grace Hopper,2,mlp-350-80,smoke,0.25",
        "NA,1,mlp-350-80,smoke,0.125",
    ]


def a_class(monkeypatch, run_series, dataset, find):
    monkeypatch.setattr(class_list, "run_series", run_series)
    monkeypatch.setattr(data, "load", lambda profile: dataset)
    monkeypatch.setattr(runs, "find", find)


@pytest.mark.parametrize("trained", [True, False])
def test_what_a_lesson_trains_as_published_is_entered(trained, tmp_path, dataset, monkeypatch):
    (tmp_path / "class.csv").write_text("student,seed\nAda,3\n")

    def find(recipe, data, profile, seed):
        there = {"cnn-basic": ["full"], "mlp-350-80": ["full", "lesson"]}.get(recipe.id, [])
        return SimpleNamespace(metrics={"loss": 0.5}) if trained and str(profile) in there else None

    called_real = replace(dataset, source="Fashion-MNIST")
    a_class(monkeypatch, lambda *_: 0, called_real, find)
    options = "--profile", "lesson", "--out", tmp_path
    assert call(monkeypatch, "class_list", tmp_path / "class.csv", "04", *options) == 0
    assert (tmp_path / "results.csv").read_text().splitlines() == [
        "student,seed,model,profile" + ",loss" * trained,
        *["Ada,3,mlp-350-80,lesson,0.5", "Ada,3,mlp-350-80,full,0.5", "Ada,3,cnn-basic,full,0.5"]
        * trained,
    ]


HEAD = "student,seed\n"
MANY = "NA,1\nnull,2\nNone,3\nnan,4\n007,5\nTrue,6\n1e5,7\nO'Neil,8\nZo\u00eb \u00c5,9\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("student,seed\nM\u00fcller,1\nBo Li,22\n", "utf-8"),
        ("student;seed\r\nM\u00fcller;1\r\nBo Li;22\r\n", "utf-8-sig"),
        ("Student ; Seed \nM\u00fcller;1\nBo Li;22\n", "latin-1"),
        ("student\tseed\r\nM\u00fcller\t1\r\nBo Li\t22\r\n", "utf-16"),
        ("student\tseed\nM\u00fcller\t1\nBo Li\t22", "utf-16-be"),
        ("student,seed\rM\u00fcller,1\rBo Li,22\r", "utf-8"),
        ("sep=;\r\nstudent;seed\r\nM\u00fcller;1\r\nBo Li;22\r\n", "cp1252"),
        ('"student", "seed"\n"M\u00fcller", "1"\n"Bo Li", "22"\n', "utf-8"),
        ("student,seed\nMu\u0308ller,1.0\n Bo  Li ,22.00\n", "utf-8"),
        ("student;seed\nM\u00fcller;1,0\nBo Li;22,0\n", "utf-8"),
        ("\n\nstudent,seed\n\nM\u00fcller,1\n,\n,,\nBo Li,22\n,\n\n", "utf-8"),
        ('no;SEED;Student;mail;\n1;1;M\u00fcller;"a\nb";x\n2;22;Bo Li;;\n;;;;\n', "utf-8"),
    ],
)
def test_a_class_list_as_spreadsheets_write_it(content, encoding, tmp_path):
    (tmp_path / "class.csv").write_bytes(content.encode(encoding))
    assert list(read(tmp_path / "class.csv").items()) == [("M\u00fcller", 1), ("Bo Li", 22)]


def test_names_are_text(tmp_path):
    (tmp_path / "class.csv").write_text(HEAD + MANY, "utf-8")
    names = [line.split(",")[0] for line in MANY.splitlines()]
    assert read(tmp_path / "class.csv") == {name: n for n, name in enumerate(names, start=1)}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("student;seed\nAda;1,000\n", "row 2, Ada: '1,000' is not a seed"),
        (HEAD + "Ada,1.5\n", "row 2, Ada: '1.5' is not a seed"),
        (HEAD + "Ada,1e3\n", "'1e3' is not a seed"),
        (HEAD + "Ada,4294967296\n", "4294967296 is not a seed"),
        (HEAD + "Ada," + 5000 * "9" + "\n", "is not a seed"),
        (HEAD + "Ada,NA\n", "'NA' is not a seed"),
        (HEAD + "\nBo,1\nAda\n", "row 4: Ada has no seed"),
        (HEAD + "Ada,\n", "row 2: Ada has no seed"),
        (HEAD + ",1\n", "row 2 has no student"),
        (HEAD + "M\u00fcller, Ada,1\n", "row 2 has more cells"),
        (HEAD + "Ada,1\nada,2\n", "row 3: 'ada' would share a folder with 'Ada'"),
        (HEAD + "Ada,1\nAda ,2\n", "row 3: 'Ada' is there twice"),
        (HEAD + "M\u00fcller,1\nMu\u0308ller,2\n", "is there twice"),
        (HEAD + "\uff21da,1\nAda,2\n", "would share a folder"),
        (HEAD + "results.csv,1\n", "would share a folder with 'results.csv'"),
        (HEAD + "CON,1\n", "can't be a folder's name"),
        (HEAD + "a:b,1\n", "can't be a folder's name"),
        (HEAD + "..,1\n", "can't be a folder's name"),
        (HEAD + "Ada\u202e,1\n", "can't be a folder's name"),
        (HEAD + 200 * "x" + ",1\n", "can't be a folder's name"),
        ('student,seed,note\nAda,1,"open\nBo,2,x\n', "quotation mark is out of place"),
        ("student,seed,Seed\nAda,1,2\n", "student and seed, each once"),
        ("PK\x03\x04", "is a spreadsheet's own file; save it as CSV"),
        ("\0\0\0\0", "can't be read as a class list"),
        ("", "needs the columns student and seed"),
        ("name,seed\nAda,1\n", "needs the columns student and seed"),
        (HEAD, "names no student"),
        (HEAD + "../../etc,1\n", "can't be a folder's name"),
        (HEAD + "Ada,-1\n", "row 2, Ada: '-1' is not a seed"),
    ],
)
def test_what_a_class_list_may_not_say(content, says, tmp_path):
    (tmp_path / "class.csv").write_text(content, "utf-8")
    with pytest.raises(CourseError) as error:
        read(tmp_path / "class.csv")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_class_list_is_refused_before_anything_runs(tmp_path):
    done = tool("class_list", tmp_path / "class.csv", "01", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert re.fullmatch("error: .*class.csv can't be read as a class list .*\n", done.stderr)
    assert not (tmp_path / "out").exists()
