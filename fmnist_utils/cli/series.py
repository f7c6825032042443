"""The series: notebooks run by papermill, one after the other, with a summary page.

No other module knows papermill.
"""

import contextlib
import html
import json
import os
import platform
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

from fmnist_utils.cli import doctor
from fmnist_utils.data import load, places
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import Profile
from fmnist_utils.messages import Line


KERNEL_DIED = 138  # papermill's exit code


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
                f"{', '.join(path.stem for path in known)}."
            )
        chosen += found
    return list(dict.fromkeys(chosen)) or known


def run_series(notebooks: list[Path], profile: Profile, seed: int, out: Path) -> int:
    """Run the notebooks into the folder `out`; return 0, or 1 if one of them failed.

    Everything that could stop the series is checked before it starts: CourseError says what.
    """
    start, begun = time.monotonic(), time.strftime("%Y-%m-%d %H:%M:%S")
    _check_out(out, notebooks)
    dataset = load(profile)
    source, note = dataset.source, dataset.note
    environment = _environment(profile, note)
    facts = {
        "profile": profile.name,
        "seed": seed,
        "data": source,
        "note": note,
        "started": begun,
        "versions": _versions(),
    }
    because = f", because {note}" if note else ""
    print(f"profile {profile}, seed {seed}, data: {source}{because}", flush=True)
    results, line = [], Line()
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
        _write_summary(out, facts | {"notebooks": results})
    failed = sum(result["status"] != "ok" for result in results)
    print(
        f"{len(results) - failed} ok, {failed} failed in {_duration(time.monotonic() - start)}, "
        f"data: {source}; summary in {out / 'index.html'}"
    )
    return 1 if failed else 0


def _check_out(out: Path, notebooks: list[Path]) -> None:
    """Make the output folder; raise CourseError if nothing can or should be written there."""
    if out.resolve() in {notebook.resolve().parent for notebook in notebooks}:
        raise CourseError(f"--out {out} would overwrite the notebooks; name another folder.")
    try:
        (out / "logs").mkdir(parents=True, exist_ok=True)
        for folder in (out, out / "logs"):
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CourseError(
            f"Results can't be written to {out} ({error.strerror}); name another folder with --out."
        ) from None


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
    }
    unfinished = out.resolve() / f".{notebook.stem}.unfinished.ipynb"
    log = out / result["log"]
    # Papermill takes braces in paths for placeholders.
    paths = (
        str(path).replace("{", "{{").replace("}", "}}") for path in (notebook.resolve(), unfinished)
    )
    command = [
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
    start = time.monotonic()
    try:
        with log.open("wb") as file:
            # In a session of its own: Ctrl-C reaches it through _wait alone, and once.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                start_new_session=True,
            )
            result["peak_mb"] = _wait(process)
        result["seconds"] = round(time.monotonic() - start, 1)
        if process.returncode == 0:
            result["status"] = "ok"
        else:
            result["error"] = _error(process.returncode, unfinished, log)
        for suffix in (".ipynb", ".html"):  # an older result beside a failure would mislead
            (out / f"{notebook.stem}{suffix}").unlink(missing_ok=True)
        if unfinished.exists():
            unfinished.replace(out / notebook.name)
            result |= {"ipynb": notebook.name, "html": _to_html(out / notebook.name)}
        for page in notebook.parent.glob("*.md"):  # the glossary, to which lessons link
            shutil.copy(page, out)
    finally:
        unfinished.unlink(missing_ok=True)
    return result


def _wait(process: subprocess.Popen) -> float | None:
    """Wait for the end; return the largest process's peak memory in MB, where that is known."""
    try:
        if not hasattr(os, "wait4"):  # Windows
            process.wait()
            return None
        # Papermill waits for its kernel, so the kernel's peak is counted here, too. (So is this
        # process's own, which its child starts from: under 200 MB, less than a lesson needs.)
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        # Asked politely, papermill ends its kernel before itself.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            process.wait(timeout=15)
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _error(returncode: int, executed: Path, log: Path) -> str:
    """What stopped the notebook, on one line."""
    if returncode < 0 or returncode == KERNEL_DIED:
        return "The kernel died, most often for want of memory: close other programs or use smoke."
    message = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()][-1:]
    with contextlib.suppress(OSError, ValueError):
        for cell in json.loads(executed.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    message = [output["ename"], output["evalue"]]
    return textwrap.shorten(": ".join(message) or "no message", 300)


def _to_html(notebook: Path) -> str:
    """Write the executed notebook as HTML beside it; return the file's name."""
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_filename(str(notebook))
    notebook.with_suffix(".html").write_text(page, "utf-8")
    return notebook.with_suffix(".html").name


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


def _write_summary(out: Path, summary: dict) -> None:
    (out / "summary.json").write_text(json.dumps(summary, indent=1), "utf-8")
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
            cells[0] += f' · <a href="{quote(result[kind])}">{kind}</a>'
        cells[1] += f": {html.escape(result['error'])}" if result["error"] else ""
        rows.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    words = summary | {"versions": ", ".join(f"{k} {v}" for k, v in summary["versions"].items())}
    safe = {name: html.escape(str(word)) for name, word in words.items()}
    warning = _WARNING.substitute(safe) if summary["note"] else ""
    page = _PAGE.substitute(safe, warning=warning, rows="\n".join(rows))
    (out / "index.html").write_text(page, "utf-8")
