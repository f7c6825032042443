"""`run`: tiny notebooks, executed one after the other, and what is written about them.

Nothing is downloaded: conftest takes the mirrors away, and commands in a process of their own never
come as far as a download.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from fmnist_utils import data
from fmnist_utils.cli import main, series

PRINT = "import os\nprint([profile, seed, os.environ['FMNIST_DATA_DIR'], os.getcwd()])"


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


@pytest.fixture
def lessons(tmp_path, monkeypatch, dataset) -> Path:
    """A folder with two notebooks, beside a notebook that is none of the course's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    monkeypatch.setattr("fmnist_utils.data.sets.stand_in", lambda why: dataset)
    for name in ("01_first", "02_second"):
        write_notebook(tmp_path / "notebooks", name, PRINT)
    write_notebook(tmp_path, "evil", "raise SystemExit")
    (tmp_path / "taken").write_text("mine")
    return tmp_path / "notebooks"


@pytest.mark.parametrize("name", ["03", "0", "", "../evil.ipynb", "./01_first", "evil", "/a/02"])
def test_unknown_notebook(lessons, refused, name):
    error = refused("run", name)
    assert repr(name) in error
    assert "01_first, 02_second" in error


@pytest.mark.parametrize("backwards", [False, True])
def test_lessons_come_in_their_order_whatever_the_disk_s(lessons, monkeypatch, backwards):
    listed = Path.glob
    monkeypatch.setattr(
        Path, "glob", lambda *given: iter(sorted(listed(*given), reverse=backwards))
    )
    found = series.find_notebooks([], lessons)
    assert [path.stem for path in found] == ["01_first", "02_second"]


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
    assert [path.stem for path in series.find_notebooks(names, lessons)] == found


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
def test_a_series_that_cannot_end_well_does_not_start(lessons, refused, args, word):
    before = (lessons / "01_first.ipynb").read_bytes()
    assert word in refused("run", *args)
    assert Path("taken").read_text() == "mine"
    assert (lessons / "01_first.ipynb").read_bytes() == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="nothing is read-only for root, or for chmod on Windows",
)
def test_read_only_output_folder(lessons, refused):
    Path("out").mkdir(mode=0o500)
    assert "Permission denied" in refused("run", "--out", "out")


def test_data_folder_without_good_data(lessons, folder, refused, monkeypatch):
    (folder / "train-images-idx3-ubyte.gz").write_text("<!doctype html>")
    assert f"{folder / 'train-images-idx3-ubyte.gz'} has 15 bytes" in refused("run")
    monkeypatch.setenv("FMNIST_DATA_DIR", "no/where")
    assert "no/where, which is not a folder" in refused("run")


@pytest.fixture(scope="module")
def run(tmp_path_factory, start):
    """Three notebooks run on the stand-in: one fails, one loses its kernel, one is fine."""
    base = tmp_path_factory.mktemp("a {course} & more")
    notebooks, out = base / "lessons", base / "new" / "build"
    write_notebook(notebooks, "01_bad", "a = 1", "raise ValueError('too\\nmuch <b>')", "a = 2")
    write_notebook(notebooks, "02_dead", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    write_notebook(notebooks, "03_good", "x = b'x' * 500_000_000", PRINT)
    (notebooks / "glossary.md").write_text("words")
    folders = "--notebooks", str(notebooks), "--out", str(out)
    process = start("run", *folders, "--profile", "smoke", "--seed", "7")
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (1, "")
    return SimpleNamespace(lines=stdout.splitlines(), notebooks=notebooks, out=out)


def test_a_failure_stops_no_other_notebook(run):
    results = json.loads((run.out / "summary.json").read_text())["notebooks"]
    assert [result["name"] for result in results] == ["01_bad", "02_dead", "03_good"]
    assert [result["status"] for result in results] == ["failed", "failed", "ok"]
    if hasattr(os, "wait4"):
        assert results[0]["peak_mb"] < 400
        assert 500 < results[2]["peak_mb"] < 800  # the kernel's, which holds 500 MB


def test_parameters_arrive_with_their_types(run):
    expected = ["smoke", 7, "stand-in", str(run.notebooks)]
    assert printed(run.out / "03_good.ipynb") == f"{expected}\n"


def test_progress_says_how_each_notebook_went(run):
    first, bad, dead, good, total = run.lines
    assert first.startswith("profile smoke, seed 7, data: drawn stand-in, because ")
    assert bad.startswith("[1/3] 01_bad … failed ")
    assert bad.endswith(f"ValueError: too much <b>  see {run.out / '01_bad.ipynb'}")
    assert "The kernel died" in dead
    assert good.startswith("[3/3] 03_good … ok ")
    assert total.startswith("1 ok, 2 failed in ")


def test_results_are_whole(run):
    notebooks = [
        f"{name}.{kind}" for name in ("01_bad", "02_dead", "03_good") for kind in ("html", "ipynb")
    ]
    found = sorted(path.name for path in run.out.iterdir())
    assert found == [*notebooks, "glossary.md", "index.html", "logs", "summary.json"]
    for result in ("01_bad.html", "01_bad.ipynb", "logs/01_bad.log"):
        assert "ValueError" in (run.out / result).read_text("utf-8")


def test_page_sums_up(run):
    page = (run.out / "index.html").read_text("utf-8")
    assert page.count("<tr><td>") == 3
    for part in (
        "Drawn stand-in, not Fashion-MNIST",
        "Profile <b>smoke</b>, seed 7",
        "papermill ",
        '<a href="03_good.html">',
        '<a href="01_bad.ipynb">',
        "failed: ValueError: too much &lt;b&gt;",
    ):
        assert part in page
    assert "src=" not in page


@pytest.mark.parametrize(
    ("seconds", "said", "minutes"),
    [(0.4, "0 s", "0.0"), (59.6, "1 min 0 s", "1.0"), (150, "2 min 30 s", "2.5")],
)
def test_times_in_minutes_and_seconds(seconds, said, minutes, tmp_path):
    assert series._duration(seconds) == said
    result = dict(name="01", status="ok", seconds=seconds, peak_mb=12.6, error="", html="a b.html")
    facts = dict.fromkeys(("profile", "seed", "data", "started"), "x") | {"note": ""}
    series._write_summary(tmp_path, facts | {"versions": {}, "notebooks": [result]}, 0)
    page = (tmp_path / "index.html").read_text("utf-8")
    row = f'01 · <a href="a%20b.html">html</a></td><td>ok</td><td>{minutes}</td><td>13</td>'
    assert row in page


def test_of_a_log_the_last_error_is_told(tmp_path):
    log = tmp_path / "log"
    log.write_text("KeyError: 'first'\nValueError: the last\n  and more of it\n\n")
    assert series._error(1, tmp_path / "none.ipynb", log) == "ValueError: the last"
    log.write_text("no\nerror\n")
    assert series._error(1, tmp_path / "none.ipynb", log) == "error"


def test_real_data_and_runs_are_passed_on_by_absolute_path(lessons, folder, dataset, monkeypatch):
    found = data.Dataset(dataset.train, dataset.test, "Fashion-MNIST")
    monkeypatch.setattr(series, "load", lambda profile: found)
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
@pytest.mark.parametrize(
    "name",
    ["SIGINT", *(pytest.param(one, marks=pytest.mark.long) for one in ("SIGTERM", "SIGHUP"))],
)
def test_interruption_ends_the_notebook_and_its_kernel(lessons, start, name):
    started, out = lessons / "started", lessons / "out"
    code = f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(99)"
    write_notebook(lessons, "03_slow", code)
    process = start("run", "03", "--notebooks", str(lessons), "--out", str(out))
    wait_for(lambda: started.exists() and started.read_text())
    begun = time.monotonic()
    for _ in range(3):  # as a terminal that is closed, or an impatient person
        process.send_signal(getattr(signal, name))
        time.sleep(0.1)
    assert process.communicate(timeout=30)[1].strip() == "stopped before the end"
    assert time.monotonic() - begun < 8
    assert process.returncode == 130
    wait_for(lambda: not psutil.pid_exists(int(started.read_text())))
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "logs", "summary.json"]


@pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX's")
def test_a_closed_terminal_ends_the_series(lessons):
    started, out = lessons / "started", lessons / "out"
    code = f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(99)"
    write_notebook(lessons, "03_slow", code)
    terminal, inside = os.openpty()
    where = ["--notebooks", str(lessons), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLED, "run", "03", *where],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    os.close(inside)
    wait_for(lambda: started.exists() and started.read_text())
    os.close(terminal)
    assert process.wait(timeout=30) == 130
    wait_for(lambda: not psutil.pid_exists(int(started.read_text())))
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "logs", "summary.json"]


# (These tests may run under nohup, whose children ignore a terminal that is closed.)
CONTROLLED = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "fmnist_utils", *sys.argv[1:]])
"""


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def results() -> dict[str, dict]:
    """What the summary in build/ says of each notebook; the page lists them all."""
    summary = json.loads(Path("build/summary.json").read_text("utf-8"))["notebooks"]
    assert Path("build/index.html").read_text("utf-8").count("<tr><td>") == len(summary)
    return {result["name"]: result for result in summary}


def misfortunes(out: Path) -> dict[str, str]:
    """Lines of a lesson that spoil its end, each in another way."""
    return {
        "01_papermill_killed": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
        "02_kernel_leaves": "import os\nos._exit(0)",
        "03_out_deleted": f"import shutil\nshutil.rmtree({str(out)!r})",
        "04_logs_deleted": f"import shutil\nshutil.rmtree({str(out / 'logs')!r})\n1 / 0",
        "05_folder": f"import os\nos.mkdir({str(out / '05_folder.ipynb')!r})",
        "06_folder": f"import os\nos.mkdir({str(out / '06_folder.html')!r})",
        "07_letters": "raise ValueError('\\x1b[31mred\\x1b[0m \\0 <b>')",
        "08_taken": (
            f"import os\nname = {str(out / '.08_taken.unfinished.ipynb')!r}\n"
            "os.remove(name)\nos.mkdir(name)"
        ),
    }


@pytest.mark.long
def test_the_next_lesson_runs_whatever_happened_to_the_others(lessons, capsys):
    out = lessons.parent / "build"
    for path in lessons.glob("*"):
        path.unlink()
    for name, code in misfortunes(out).items():
        write_notebook(lessons, name, code)
    write_notebook(lessons, "09_good", PRINT)
    (lessons / "glossary.md").write_text("words")
    assert main(["run"]) == 1
    found, lines = results(), capsys.readouterr().out.splitlines()
    assert [result["status"] for result in found.values()] == ["failed"] * 8 + ["ok"]
    assert len(lines) == 11
    for line, result in zip(lines[1:9], found.values(), strict=False):
        assert f"{result['name']} … failed " in line
        assert result["error"] in line
        assert result["error"]
    assert "ended from outside (signal 9)" in found["01_papermill_killed"]["error"]
    assert "kernel died" in found["02_kernel_leaves"]["error"]
    assert found["07_letters"]["error"].startswith("ValueError: red")
    assert (out / "glossary.md").read_text() == "words"
    assert not [path for path in out.glob(".*") if path.is_file()]


def test_a_page_that_cannot_be_made(lessons, monkeypatch):
    from nbconvert import HTMLExporter

    def fail(self, name):
        if "01_first" in name:
            raise RecursionError("too deep\nby far")
        return "a page \ud800", {}

    monkeypatch.setattr(HTMLExporter, "from_filename", fail)
    assert main(["run"]) == 1
    found = results()
    assert found["01_first"]["error"] == (
        "its page can't be made (RecursionError: too deep by far)"
    )
    assert (found["01_first"]["ipynb"], found["01_first"]["html"]) == ("01_first.ipynb", "")
    assert found["02_second"]["html"] == "02_second.html"


@pytest.mark.parametrize("name", ["index.html", "summary.json"])
def test_a_summary_that_cannot_be_written_is_told_before(lessons, capsys, name):
    (Path("build") / name).mkdir(parents=True)
    assert main(["run"]) == 2
    assert "can't be written to build (Is a directory)" in capsys.readouterr().err
    assert not Path("build/01_first.ipynb").exists()


def test_an_unusable_run_store_is_told_before(lessons, refused, monkeypatch):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(lessons.parent / "taken" / "deeper"))
    assert "FMNIST_RUNS_DIR" in refused("run")


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
@pytest.mark.parametrize("out", ["Übung – 夏".encode(), b"\xdcbung", b"a {b} $c %s #?&;'\""])
def test_an_output_folder_of_any_letters_in_any_locale(lessons, out):
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    write_notebook(lessons, "01_first", "print('Übung – 夏')")
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "run", "01", "--out", out],
        env=os.environ | locale | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        cwd=lessons.parent,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    folder = os.fsencode(lessons.parent) + b"/" + out
    assert sorted(os.listdir(folder)) == [
        *(b"01_first.html", b"01_first.ipynb", b"index.html", b"logs", b"summary.json")
    ]
    assert "Übung – 夏" in printed(Path(os.fsdecode(folder)) / "01_first.ipynb")


def test_a_series_without_its_last_word_has_failed(lessons, monkeypatch, capsys):
    """Whose notebooks all ran through, while the disk got full."""
    done = dict(status="ok", seconds=1.0, peak_mb=None, error="", ipynb="", html="", log="")
    write = series._write_summary

    def full(out, summary, room):
        if summary["notebooks"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(out, summary, room)

    monkeypatch.setattr(series, "_run_one", lambda notebook, *_: {"name": notebook.stem} | done)
    monkeypatch.setattr(series, "_write_summary", full)
    assert main(["run"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("2 ok, 0 failed in ")
    assert last.endswith("; the summary can't be written (No space left on device)")
