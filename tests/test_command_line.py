"""`python -m fmnist_utils`: what it accepts, what it says, what it writes, how it ends.

The series here runs tiny notebooks of its own. Nothing is downloaded: conftest takes the mirrors
away, and commands in a process of their own never come as far as a download.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from jupyter_client import kernelspec

from fmnist_utils import data, doctor, files, places
from fmnist_utils.__main__ import main

PRINT = "import os\nprint([profile, seed, os.environ['FMNIST_DATA_DIR'], os.getcwd()])"
HERE = Path(__file__).parents[1]
LABELS = "t10k-labels-idx1-ubyte.gz"


def write_notebook(folder: Path, name: str, *sources: str) -> None:
    cell = nbformat.v4.new_code_cell
    parameters = cell('profile: str = ""\nseed: int = 0', metadata={"tags": ["parameters"]})
    kernel = {"name": "gone", "display_name": "A kernel that isn't here", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": kernel}, cells=[parameters, *map(cell, sources)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def printed(notebook: Path) -> str:
    return "".join(output.text for output in nbformat.read(notebook, 4).cells[-1].outputs)


def start(*args: str, **environment: str) -> subprocess.Popen:
    environment = os.environ | {"FMNIST_DATA_DIR": "stand-in"} | environment
    return subprocess.Popen(
        [sys.executable, "-m", "fmnist_utils", *args], cwd=HERE, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def lessons(tmp_path, monkeypatch, dataset) -> Path:
    """A folder with two notebooks, beside a notebook that is none of the course's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    monkeypatch.setattr(data, "stand_in", lambda why: dataset)
    for name in ("01_first", "02_second"):
        write_notebook(tmp_path / "notebooks", name, PRINT)
    write_notebook(tmp_path, "evil", "raise SystemExit")
    (tmp_path / "taken").write_text("mine")
    return tmp_path / "notebooks"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A data folder named by the user, with four small files that stand for the published ones."""
    where = tmp_path / "data"
    where.mkdir()
    for name in list(files.FILES):
        (where / name).write_text(name)
        md5 = hashlib.md5(name.encode()).hexdigest()
        monkeypatch.setitem(files.FILES, name, (md5, len(name)))
    monkeypatch.setenv("FMNIST_DATA_DIR", str(where))
    return where


def refused(capsys, *args: str) -> str:
    """Run a command that must end with 2 and one line on stderr, which is returned."""
    assert main(list(args)) == 2
    out, err = capsys.readouterr()
    assert (out, err[:7], err.count("\n")) == ("", "error: ", 1)
    assert list(Path("build").glob("*.*")) == []
    return err


@pytest.mark.parametrize("seed", ["abc", "-1", "1.5", "4294967296", ""])
def test_bad_seed(seed, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["run", "--seed", seed])
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("python -m fmnist_utils run: error: argument --seed: ")
    assert last.endswith("is not a seed; give a whole number from 0 to 4294967295.")


def test_an_error_is_one_line_and_needs_no_tensorflow(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    process = start("run", "--profile", "fast", PYTHONPATH=str(tmp_path))
    assert process.communicate(timeout=60) == (
        "", "error: 'fast' is not a profile; choose one of smoke, lesson, full.\n"
    )  # fmt: skip
    assert process.returncode == 2
    process = start("doctor", PYTHONPATH=str(tmp_path))
    assert process.communicate(timeout=60)[1] == ""


def test_profile_from_the_environment(lessons, capsys, monkeypatch):
    monkeypatch.setenv("FMNIST_PROFILE", "quick")
    assert "'quick' is not a profile" in refused(capsys, "run")


@pytest.mark.parametrize("name", ["03", "0", "", "../evil.ipynb", "./01_first", "evil", "/a/02"])
def test_unknown_notebook(lessons, capsys, name):
    error = refused(capsys, "run", name)
    assert repr(name) in error
    assert "01_first, 02_second" in error


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["01_first", "02_second"]),
        (["02"], ["02_second"]),
        (["02_second", "01_first.ipynb", "02"], ["02_second", "01_first"]),
        (["notebooks/02_second.ipynb"], ["02_second"]),
    ],
)
def test_notebook_names(lessons, names, found):
    assert [path.stem for path in places.find_notebooks(names, lessons)] == found


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--notebooks", "empty"], "--notebooks"),
        (["--out", "taken"], "another folder"),
        (["--out", "taken/deeper"], "another folder"),
        (["--out", "notebooks"], "overwrite"),
        (["--profile", "full"], "stand-in"),
    ],
)
def test_a_series_that_cannot_end_well_does_not_start(lessons, capsys, args, word):
    before = (lessons / "01_first.ipynb").read_bytes()
    assert word in refused(capsys, "run", *args)
    assert Path("taken").read_text() == "mine"
    assert (lessons / "01_first.ipynb").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0,
                    reason="nothing is read-only for root, or for chmod on Windows")  # fmt: skip
def test_read_only_output_folder(lessons, capsys):
    Path("out").mkdir(mode=0o500)
    assert "Permission denied" in refused(capsys, "run", "--out", "out")


def test_data_folder_without_good_data(lessons, folder, capsys, monkeypatch):
    (folder / "train-images-idx3-ubyte.gz").write_text("<!doctype html>")
    assert f"{folder / 'train-images-idx3-ubyte.gz'} has 15 bytes" in refused(capsys, "run")
    monkeypatch.setenv("FMNIST_DATA_DIR", "no/where")
    assert "no/where, which is not a folder" in refused(capsys, "run")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Three notebooks run on the stand-in: one fails, one loses its kernel, one is fine."""
    base = tmp_path_factory.mktemp("a {course} & more")
    notebooks, out = base / "lessons", base / "new" / "build"
    write_notebook(notebooks, "01_bad", "a = 1", "raise ValueError('too\\nmuch <b>')", "a = 2")
    write_notebook(notebooks, "02_dead", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    write_notebook(notebooks, "03_good", "x = b'x' * 500_000_000", PRINT)
    process = start("run", "--notebooks", str(notebooks), "--out", str(out),
                    "--profile", "smoke", "--seed", "7")  # fmt: skip
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (1, "")
    return SimpleNamespace(lines=stdout.splitlines(), notebooks=notebooks, out=out)


def test_a_failure_stops_no_other_notebook(series):
    results = json.loads((series.out / "summary.json").read_text())["notebooks"]
    assert [result["name"] for result in results] == ["01_bad", "02_dead", "03_good"]
    assert [result["status"] for result in results] == ["failed", "failed", "ok"]
    if hasattr(os, "wait4"):
        assert results[0]["peak_mb"] < 400
        assert 500 < results[2]["peak_mb"] < 800  # the kernel's, which holds 500 MB


def test_parameters_arrive_with_their_types(series):
    expected = ["smoke", 7, "stand-in", str(series.notebooks)]
    assert printed(series.out / "03_good.ipynb") == f"{expected}\n"


def test_progress_says_how_each_notebook_went(series):
    first, bad, dead, good, total = series.lines
    assert first.startswith("profile smoke, seed 7, data: drawn stand-in, because ")
    assert bad.startswith("[1/3] 01_bad … failed ")
    assert bad.endswith(f"ValueError: too much <b>  see {series.out / '01_bad.ipynb'}")
    assert "The kernel died" in dead
    assert good.startswith("[3/3] 03_good … ok ")
    assert total.startswith("1 ok, 2 failed in ")


def test_results_are_whole(series):
    wanted = [f"{name}.{kind}" for name in ("01_bad", "02_dead", "03_good")
              for kind in ("html", "ipynb")]  # fmt: skip
    found = sorted(path.name for path in series.out.iterdir())
    assert found == [*wanted, "index.html", "logs", "summary.json"]
    for result in ("01_bad.html", "01_bad.ipynb", "logs/01_bad.log"):
        assert "ValueError" in (series.out / result).read_text("utf-8")


def test_page_sums_up(series):
    page = (series.out / "index.html").read_text("utf-8")
    assert page.count("<tr><td>") == 3
    for part in ("Drawn stand-in, not Fashion-MNIST", "Profile <b>smoke</b>, seed 7", "papermill ",
                 '<a href="03_good.html">', '<a href="01_bad.ipynb">',
                 "failed: ValueError: too much &lt;b&gt;"):  # fmt: skip
        assert part in page
    assert "src=" not in page


def test_real_data_and_runs_are_passed_on_by_absolute_path(lessons, folder, dataset, monkeypatch):
    found = data.Dataset(dataset.train, dataset.test, "Fashion-MNIST")
    monkeypatch.setattr(data, "load", lambda profile: found)
    monkeypatch.setenv("FMNIST_DATA_DIR", "data")
    monkeypatch.setenv("FMNIST_RUNS_DIR", "kept")
    write_notebook(lessons, "02_second", PRINT + "\nprint(os.environ['FMNIST_RUNS_DIR'])")
    assert main(["run", "02", "--profile", "full", "--out", "out"]) == 0
    expected = f"{['full', 0, str(folder), str(lessons)]}\n{Path('kept').absolute()}\n"
    assert printed(Path("out/02_second.ipynb")) == expected
    assert "stand-in" not in Path("out/index.html").read_text("utf-8")


def test_a_notebook_that_is_none_leaves_no_older_result(lessons):
    (lessons / "01_first.ipynb").write_text("{not a notebook")
    Path("build").mkdir()
    Path("build/01_first.ipynb").write_text("an older result")
    assert main(["run", "01"]) == 1
    assert not Path("build/01_first.ipynb").exists()
    assert "JSON" in json.loads(Path("build/summary.json").read_text())["notebooks"][0]["error"]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_interruption_ends_the_notebook_and_its_kernel(lessons):
    # SIGTERM goes the way of Ctrl-C, which a test's surroundings may have switched off.
    started, out = lessons / "started", lessons / "out"
    code = f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(99)"
    write_notebook(lessons, "03_slow", code)
    process = start("run", "03", "--notebooks", str(lessons), "--out", str(out))
    wait_for(lambda: started.exists() and started.read_text())
    process.terminate()
    assert process.communicate(timeout=30)[1].strip() == "stopped before the end"
    assert process.returncode == 130
    wait_for(lambda: not psutil.pid_exists(int(started.read_text())))
    assert [path.name for path in out.iterdir()] == ["logs"]


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def test_data_whole_damaged_and_fetched(folder, capsys, monkeypatch, tmp_path):
    def says(*args: str) -> tuple[int, str]:
        return main(["data", *args]), capsys.readouterr().out

    code, text = says()
    assert (code, text.count(" is whole")) == (0, 4)
    assert str(folder) in text

    mirror = shutil.copytree(folder, tmp_path / "mirror")
    (folder / LABELS).write_text(LABELS.upper())
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    code, text = says()
    assert (code, text.count(" is whole")) == (1, 2)
    assert f"{LABELS} is damaged" in text
    assert "train-labels-idx1-ubyte.gz is missing" in text

    code, text = says("--fetch")  # there is no mirror
    assert (code, text.count("can't be downloaded")) == (1, 2)
    monkeypatch.setenv("FMNIST_MIRROR", mirror.as_uri() + "/")
    code, text = says("--fetch")
    assert (code, text.count("(fetched now)")) == (0, 2)
    assert says()[0] == 0
    assert says("--folder", str(tmp_path / "none"))[0] == 1


def test_data_says_when_the_lessons_use_the_stand_in(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    assert main(["data"]) == 1
    assert "use the drawn stand-in" in capsys.readouterr().out
    monkeypatch.delenv("FMNIST_DATA_DIR")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert main(["data"]) == 1
    assert "use a drawn stand-in" in capsys.readouterr().out


def lack_memory(patch, folder):
    patch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=8e9, available=1.9e9))


def lack_disk(patch, folder):
    patch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1e8))


def lack_package(patch, folder):
    patch.setattr(doctor, "_requirements", lambda: ["no-such-thing>=1"])


def have_old_package(patch, folder):
    patch.setattr(doctor, "_requirements", lambda: ["pytest>=999"])


def lack_psutil(patch, folder):
    patch.setitem(sys.modules, "psutil", None)


def damage_data(patch, folder):
    (folder / LABELS).write_text("<!doctype html>")


def block_run_store(patch, folder):
    patch.setenv("FMNIST_RUNS_DIR", str(folder / LABELS))


def point_kernel_elsewhere(patch, folder):
    spec = SimpleNamespace(argv=["/another/python/bin/python"])
    patch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda self, name: spec)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (None, None),
        (lack_memory, "close other programs, or use --profile smoke"),
        (lack_disk, "make room, or set FMNIST_RUNS_DIR to another folder"),
        (lack_package, 'no-such-thing is missing: python -m pip install "no-such-thing>=1"'),
        (have_old_package, 'python -m pip install "pytest>=999"'),
        (lack_psutil, "python -m pip install -r requirements.txt"),
        (damage_data, "python -m fmnist_utils data --fetch"),
        (block_run_store, "set FMNIST_RUNS_DIR to another folder"),
        (point_kernel_elsewhere, "python -m ipykernel install --sys-prefix"),
    ],
)
def test_doctor_names_the_one_fault_and_what_to_do(fault, advice, folder, capsys, monkeypatch):
    memory = SimpleNamespace(total=8e9, available=6e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=50e9))
    monkeypatch.setattr(doctor, "_requirements", lambda: ["pytest>=1", "gone; python_version<'3'"])
    if fault:
        fault(monkeypatch, folder)
    assert main(["doctor"]) == (1 if fault else 0)
    *checks, total = capsys.readouterr().out.splitlines()
    faults = [line for line in checks if not line.startswith("ok ")]
    assert [line[:3] for line in faults] == (["!! "] if fault else [])
    assert all(line.endswith(advice) for line in faults)
    assert total == ("To be put right: 1." if fault else "All is well: the course can run.")


def test_doctor_takes_the_smaller_tensorflow(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_requirements", lambda: ["tensorflow>=2.20"])
    monkeypatch.setattr(doctor, "_version", {"tensorflow": "", "tensorflow-cpu": "2.21.0"}.get)
    assert list(doctor._packages()) == [(True, "1 required packages at the versions asked for")]
