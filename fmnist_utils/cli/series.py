"""The series: notebooks run by papermill, one after the other, with a summary page.

Whatever happens to one notebook, the next one is run, and the page says what happened.
No other module knows papermill.
"""

import contextlib
import errno
import html
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from string import Template
from urllib.parse import quote

import psutil

from fmnist_utils.cli import doctor
from fmnist_utils.cli.pages import described
from fmnist_utils.data import load, places
from fmnist_utils.messages import CourseError, Held, Line
from fmnist_utils.profiles import Profile

KERNEL_DIED = 138  # papermill's exit code
ROOM = 4096  # bytes of the page, and of summary.json, for each notebook and for the rest
FULL = 65536  # bytes: with less than that, what a notebook writes has no room
PATIENCE = 4  # seconds that a notebook has to end when the series is stopped,
KERNELS_PATIENCE = 2.5  # and those in which its kernel can end a training step


def find_notebooks(names: list[str], folder: Path) -> list[Path]:
    """The notebooks of `folder` that `names` mean (`02`, `02_mlp`, `02_mlp.ipynb`); none: all.

    Raises CourseError for a name that is none of them, or a folder without notebooks.
    """
    known = sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith("."))
    if not known:
        raise CourseError(
            f"There are no notebooks in {folder.absolute()}; start the command in the course's "
            "folder, or say where they are with --notebooks."
        )
    chosen = []
    for name in names:
        # A path is welcome (the shell completes it), but only one that leads into the folder.
        given = Path(name)
        inside = given.name == name or given.parent.resolve() == folder.resolve()
        stem = given.name.removesuffix(".ipynb")
        found = [path for path in known if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if not (inside and stem and found):
            raise CourseError(
                f"{name!r} is not a notebook in {folder}; there are "
                f"{', '.join(path.stem for path in known)}. (--notebooks names another folder.)"
            )
        chosen += found
    return list(dict.fromkeys(chosen)) or known


def run_series(notebooks: list[Path], profile: Profile, seed: int, out: Path) -> int:
    """Run the notebooks into the folder `out`; return 0, or 1 if one of them failed.

    Everything that could stop the series is checked before it starts: CourseError says what.
    """
    start, begun = time.monotonic(), time.strftime("%Y-%m-%d %H:%M:%S")
    _check_out(out, notebooks)
    _check_store()
    dataset = load(profile)
    source, note = dataset.source, dataset.note
    environment = _environment(profile, note)
    summary = {
        "profile": profile.name,
        "seed": seed,
        "data": source,
        "note": note,
        "started": begun,
        "versions": _versions(),
        "notebooks": [],
    }
    try:
        # Their room is taken now: a disk that gets full meanwhile has it for the last word, too.
        room = ROOM * (1 + len(notebooks))
        _write_summary(out, summary, room)
    except OSError as error:
        raise _refusal(out, error) from None
    because = f", because {note}" if note else ""
    print(f"profile {profile}, seed {seed}, data: {source}{because}", flush=True)
    results, line, unwritten = summary["notebooks"], Line(), ""
    for number, notebook in enumerate(notebooks, start=1):
        before = f"[{number}/{len(notebooks)}] {notebook.stem} …"
        line.show(before)
        result = _run_one(notebook, profile, seed, out, environment)
        results.append(result)
        parts = [result["status"], _duration(result["seconds"])]
        parts += [f"{result['peak_mb']:.0f} MB"] if result["peak_mb"] else []
        if result["error"]:
            parts += [result["error"], f"see {out / (result['ipynb'] or result['log'])}"]
        line.close(f"{before} {'  '.join(parts)}")
        # After each notebook, so that a series that is broken off has its page, too.
        last = number == len(notebooks)
        try:
            out.mkdir(parents=True, exist_ok=True)  # whatever a lesson did to it
            _write_summary(out, summary, 0 if last else room)
            unwritten = ""
        except OSError as error:
            unwritten = f"the summary can't be written ({_reason(error)})"
    failed, page = sum(result["status"] != "ok" for result in results), out / "index.html"
    print(
        f"{len(results) - failed} ok, {failed} failed in {_duration(time.monotonic() - start)}, "
        f"data: {source}; {unwritten or f'summary in {page}'}"
    )
    return 1 if failed or unwritten else 0


def _check_out(out: Path, notebooks: list[Path]) -> None:
    """Make the output folder; raise CourseError if nothing can or should be written there."""
    try:
        if out.resolve() in {notebook.resolve().parent for notebook in notebooks}:
            raise CourseError(f"--out {out} would overwrite the notebooks; name another folder.")
        (out / "logs").mkdir(parents=True, exist_ok=True)
        for folder in (out, out / "logs"):
            tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links; a null character
        raise _refusal(out, error) from None


def _refusal(out: Path, error: Exception) -> CourseError:
    return CourseError(
        f"Results can't be written to {out} ({_reason(error)}); name another folder with --out."
    )


def _check_store() -> None:
    """Make the run store; raise CourseError if trainings can't be kept there."""
    store = places.run_store()
    try:
        store.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=store).close()
    except OSError as error:
        raise CourseError(
            f"Runs can't be kept in {store} ({_reason(error)}); make room there, or set "
            "FMNIST_RUNS_DIR to another folder that you may write to."
        ) from None


def _reason(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return _short(f"{type(error).__name__}: {error}")


def _short(text: str) -> str:
    return textwrap.shorten(re.sub(r"\x1b\[[0-9;]*m", "", text), 300)


def _versions() -> dict[str, str]:
    """The versions that a result depends on."""
    names = ("tensorflow", "tensorflow-cpu", "keras", "scikit-learn", "papermill")
    found = {name: doctor.installed(name) for name in names}
    return {"Python": platform.python_version()} | {k: v for k, v in found.items() if v}


def _environment(profile: Profile, note: str) -> dict[str, str]:
    # The data is decided on once: no notebook asks a network again that isn't there. Both folders
    # are absolute, as the notebooks run in another one.
    chosen = {
        "FMNIST_DATA_DIR": "stand-in" if note else str(places.data_folder()),
        "FMNIST_RUNS_DIR": str(places.run_store()),
        # Whatever letters a path has, and whatever the locale: papermill writes UTF-8.
        "PYTHONUTF8": "1",
    }
    package = Path(__file__).resolve().parents[2]
    if package.name not in ("site-packages", "dist-packages"):
        # A checkout that isn't installed: the kernels, in another folder, must find it as well.
        paths = filter(None, [str(package), os.environ.get("PYTHONPATH")])
        chosen["PYTHONPATH"] = os.pathsep.join(paths)
    # Kernels draw into the notebook, whatever this terminal's figures are drawn with.
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return inherited | chosen | {"FMNIST_PROFILE": profile.name}


def _run_one(
    notebook: Path, profile: Profile, seed: int, out: Path, environment: dict[str, str]
) -> dict:
    """What summary.json tells of a notebook; `ipynb` and `html` are file names, or ""."""
    result = {
        "name": notebook.stem,
        "status": "failed",
        "error": "",
        "ipynb": "",
        "html": "",
        "log": f"logs/{notebook.stem}.log",
        "peak_mb": None,
    }
    unfinished = out / f".{notebook.stem}.unfinished.ipynb"
    log = out / result["log"]
    start = time.monotonic()
    with Held() as held:
        try:
            (out / "logs").mkdir(parents=True, exist_ok=True)  # a lesson before may have deleted it
            command = _papermill(notebook, unfinished.name, profile, seed)
            with held.taken():
                returncode, result["peak_mb"] = _execute(command, out, log, environment)
            result["seconds"] = round(time.monotonic() - start, 1)
            whole = _is_notebook(unfinished)
            problems = [] if whole and returncode == 0 else [_error(returncode, unfinished, log)]
            for suffix in (".ipynb", ".html"):  # an older result beside a failure would mislead
                (out / f"{notebook.stem}{suffix}").unlink(missing_ok=True)
            if whole:
                unfinished.replace(out / notebook.name)
                result["ipynb"] = notebook.name
                with held.taken():
                    result["html"], problem = _to_html(out / notebook.name)
                problems += [problem] if problem else []
            for page in notebook.parent.glob("*.md"):  # the glossary, to which lessons link
                shutil.copy(page, out / page.name)
        except Exception as error:  # one notebook's misfortune is its own
            problems = [_reason(error)]
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
    result.setdefault("seconds", round(time.monotonic() - start, 1))
    result["error"] = _short("; ".join(problems))
    result["status"] = "failed" if problems else "ok"
    return result


def _papermill(notebook: Path, executed: str, profile: Profile, seed: int) -> list[str]:
    """The command that runs a notebook, to be started in the folder of the executed one."""
    # Papermill takes braces in paths for placeholders. And it writes both paths into the notebook:
    # the output folder's, which may have any letters, isn't among them.
    paths = [
        path.replace("{", "{{").replace("}", "}}") for path in (str(notebook.resolve()), executed)
    ]
    return [
        sys.executable,
        "-m",
        "papermill",
        *paths,
        "--cwd",
        str(notebook.parent.resolve()),
        # Whatever kernel a notebook was last saved with, it runs in this environment.
        "--kernel",
        "python3",
        "--no-progress-bar",
        "-p",
        "profile",
        profile.name,
        "-p",
        "seed",
        str(seed),
    ]


def _execute(
    command: list[str], folder: Path, log: Path, environment: dict[str, str]
) -> tuple[int, float | None]:
    """Run a command in a folder; its exit code, and the largest process's peak memory in MB, where
    that is known. What interrupts this ends the command with all its processes."""
    before = set(psutil.Process().children())
    try:
        with log.open("wb") as file:
            # In a session of its own: Ctrl-C reaches it through _end alone, and once.
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                start_new_session=True,
            )
        if not hasattr(os, "wait4"):  # Windows
            return process.wait(), None
        # Papermill waits for its kernel, so the kernel's peak is counted here, too. (So is this
        # process's own, which its child starts from: under 200 MB, less than a lesson needs.)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    except BaseException:
        _end(set(psutil.Process().children()) - before)
        raise


def _end(processes: set[psutil.Process]) -> None:
    """End papermill's processes and all that they have started."""
    begun = time.monotonic()
    kernels = {kernel for process in processes for kernel in _children(process)}
    family = processes | kernels
    try:
        # A kernel that is interrupted tidies up, and papermill ends both. Asked itself, papermill
        # gives its kernel little time; it is the one to ask where a kernel is between two cells.
        _interrupt(kernels or processes)
        while processes and time.monotonic() - begun < PATIENCE:
            if kernels and time.monotonic() - begun > KERNELS_PATIENCE:
                _interrupt(processes)
                kernels = set()
            for process in processes:
                family |= _children(process)
            _, left = psutil.wait_procs(processes, timeout=0.1)
            processes = set(left)
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=3)


def _children(process: psutil.Process) -> set[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return set(process.children(recursive=True))
    return set()


def _interrupt(processes: set[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)


def _is_notebook(file: Path) -> bool:
    """Whether it was written to its end."""
    try:
        return "cells" in json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _error(returncode: int, executed: Path, log: Path) -> str:
    """What stopped the notebook, on one line."""
    if returncode == KERNEL_DIED:
        return "The kernel died, most often for want of memory: close other programs or use smoke."
    if returncode < 0:
        return (
            f"Papermill was ended from outside (signal {-returncode}), most often for want of "
            "memory: close other programs or use smoke."
        )
    message = []
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception): \S", line)]
        message = (errors or lines)[-1:]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for cell in json.loads(executed.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    message = [output["ename"], output["evalue"]]
    if not _is_notebook(executed):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(log.parent).free < FULL:  # then the log may be cut, too
                return f"{os.strerror(errno.ENOSPC)}: make room, or name another folder with --out"
    return ": ".join(message) or "what it wrote is gone or cut short"


def _to_html(notebook: Path) -> tuple[str, str]:
    """Write the executed notebook as HTML beside it; return the file's name and what went wrong,
    one of them empty."""
    page = notebook.with_suffix(".html")
    try:
        from nbconvert import HTMLExporter

        text, _ = HTMLExporter(preprocessors=[described]).from_filename(str(notebook))
        with Held():
            page.write_text(text, "utf-8", "replace")
    except Exception as error:
        with contextlib.suppress(OSError):  # half a page
            page.unlink(missing_ok=True)
        return "", f"its page can't be made ({_reason(error)})"
    return page.name, ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


_WARNING = Template("""<p class="warning"><b>Drawn stand-in, not Fashion-MNIST</b>, because $note.
The lessons ran, but their figures say nothing about the real data.</p>""")
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fashion-MNIST, taught honestly: a run</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8888; padding: .4rem .6rem; text-align: left }
th:nth-child(n+3), td:nth-child(n+3) { text-align: right }
.warning { border: 2px solid; border-left-width: .8rem; padding: .6rem 1rem }
</style>
<h1>Fashion-MNIST, taught honestly: a run of the course</h1>
$warning
<p>Profile <b>$profile</b>, seed $seed, data: <b>$data</b>. Started $started.<br>$versions</p>
<table>
<tr><th>Notebook</th><th>Status</th><th>Minutes</th><th>Peak memory, MB</th></tr>
$rows
</table>
</html>
""")


def _write_summary(out: Path, summary: dict, room: int) -> None:
    """Write summary.json and index.html, and let each take `room` bytes at least."""
    rows = []
    for result in summary["notebooks"]:
        cells = [
            result["name"],
            result["status"],
            f"{result['seconds'] / 60:.1f}",
            f"{result['peak_mb']:.0f}" if result["peak_mb"] else "unknown",
        ]
        cells = [html.escape(cell) for cell in cells]
        for kind in filter(result.get, ("html", "ipynb")):
            cells[0] += f' · <a href="{quote(os.fsencode(result[kind]))}">{kind}</a>'
        cells[1] += f": {html.escape(result['error'])}" if result["error"] else ""
        rows.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    words = summary | {"versions": ", ".join(f"{k} {v}" for k, v in summary["versions"].items())}
    safe = {name: html.escape(str(word)) for name, word in words.items()}
    warning = _WARNING.substitute(safe) if summary["note"] else ""
    page = _PAGE.substitute(safe, warning=warning, rows="\n".join(rows))
    for name, text in (("summary.json", json.dumps(summary, indent=1)), ("index.html", page)):
        # Over what is there: its room is not given back before the new text has it.
        file = os.open(out / name, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with Held(), open(file, "wb") as opened:
            opened.write(text.encode("utf-8", "replace").ljust(room))
            opened.truncate()
