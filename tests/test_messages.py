"""What a reader is told: a line that is replaced, in a terminal, a notebook and a file; signals."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import IPython.display
import pytest

from fmnist_utils.messages import Line, whole


def told(line):
    for text in ("epoch 1 of 10", "epoch 2"):
        line.show(text)
    line.close("trained")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_line_in_a_terminal_and_in_a_file(terminal, monkeypatch):
    out = io.StringIO()
    out.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdout", out)
    told(Line())
    # Back to the line's beginning, and what stands there wiped out.
    shown = [f"\r\x1b[K{text}" for text in ("epoch 1 of 10", "epoch 2", "trained")]
    assert out.getvalue() == ("".join(shown) if terminal else "trained") + "\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_printed_after_an_unfinished_line_has_its_own(terminal, monkeypatch):
    out = io.StringIO()
    out.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdout", out)
    with contextlib.suppress(OSError), Line() as line:
        line.show("epoch 1")
        line.clear()
        print("skipped")
        line.show("epoch 2")
        raise OSError("full")
    wiped = "\r\x1b[K"
    shown = f"{wiped}epoch 1{wiped}skipped\n{wiped}epoch 2{wiped}"
    assert out.getvalue() == (shown if terminal else "skipped\n")


def test_a_line_in_a_notebook_is_one_output_that_changes(monkeypatch, capsys):
    shown, changed = [], []
    handle = SimpleNamespace(update=lambda content, raw: changed.append((content, raw)))

    def display(content, raw, display_id):
        shown.append((content, raw, display_id))
        return handle

    monkeypatch.setattr(IPython.display, "display", display)
    line = Line()
    line._notebook = True
    with line:  # nothing is wiped out
        told(line)
    assert shown == [({"text/plain": "epoch 1 of 10"}, True, True)]
    assert changed == [({"text/plain": text}, True) for text in ("epoch 2", "trained")]
    assert capsys.readouterr().out == ""


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "answers.csv"
    for text in ("old", "new"):
        with whole(path) as unfinished:
            assert not unfinished.match("*.csv")  # if it is left, nobody takes it for a table
            unfinished.write_text(text)
    assert path.read_text() == "new"
    for failure in (OSError, KeyboardInterrupt):
        with pytest.raises(failure):
            half_written(path, failure)
    assert [(one.name, one.read_text()) for one in path.parent.iterdir()] == [(path.name, "new")]


def half_written(path, failure):
    with whole(path) as unfinished:
        unfinished.write_text("half")
        raise failure


COMMAND = """
import os, signal, sys
from fmnist_utils.__main__ import run
sys.exit(run(lambda: os.kill(os.getpid(), signal.SIGHUP) or print("went on") or 7))
"""


def test_what_stops_without_a_signal_ends_alike():
    command = "from fmnist_utils.__main__ import run\ndef stop(): raise KeyboardInterrupt\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{command}raise SystemExit(run(stop))"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "\nstopped before the end\n")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("handler", "ends"),
    [
        (signal.SIG_DFL, (130, "", "\nstopped before the end\n")),
        (signal.SIG_IGN, (7, "went on\n", "")),
    ],
    ids=["as usual", "nohup"],
)
def test_a_signal_ends_a_command_unless_it_was_ignored_from_the_start(handler, ends):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=Path(__file__).parents[1],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, handler),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == ends


def test_a_line_stays_on_one_line(monkeypatch):
    out = io.StringIO()
    out.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "20")
    line = Line()
    line.show("x" * 30)
    line.close("y" * 30)  # stays, and may wrap
    wiped = "\r\x1b[K"
    assert out.getvalue() == f"{wiped}{'x' * 19}{wiped}{'y' * 30}\n"
