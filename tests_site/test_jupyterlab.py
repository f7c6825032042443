"""Every notebook in a real JupyterLab, in a real browser, as a student runs it.

JupyterLab is started by the course's own environment, on a free port, with its token on; each
notebook is opened, run from top to bottom, saved; and what is judged is the saved file. One
screenshot a notebook goes to build/browser/.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "build" / "browser"
COURSE = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

READY = """() => {
    const shown = window.jupyterapp?.shell?.currentWidget;
    return shown?.context?.isReady && shown.sessionContext?.session?.kernel?.status === "idle";
}"""
# Resolves to false when a cell fails.
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab with copies of the notebooks: its address with the token, and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    for path in (ROOT / "notebooks").iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    settings = {"FMNIST_PROFILE": "smoke", "FMNIST_RUNS_DIR": str(folder / "runs")}
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(COURSE if COURSE.exists() else sys.executable),
                "-m",
                "jupyterlab",
                "--no-browser",
                "--ip=127.0.0.1",
                f"--port={port}",
                f"--IdentityProvider.token={token}",
                *root,
                "--LabApp.expose_app_in_browser=True",
                "--LabApp.news_url=None",
                f"--ServerApp.root_dir={folder}",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | settings,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/status?token={token}", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.2)
        yield address, token, folder
    finally:
        server.terminate()
        server.wait(timeout=60)


def test_nobody_enters_without_the_token(lab):
    address, _, _ = lab
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/api/contents", timeout=10)
    assert refused.value.code == 403


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def text(cell):
    return "".join(
        output.get("text", output.get("data", {}).get("text/plain", ""))
        for output in cell.outputs
        if output.get("name") != "stderr"
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_student_runs_the_notebook(notebook, lab, browser):
    address, token, folder = lab
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(600_000)
    try:
        page.goto(f"{address}/lab/workspaces/{notebook.stem}/tree/{notebook.name}?token={token}")
        page.wait_for_function(READY, polling=500)
        assert page.evaluate(RUN_ALL), "a cell failed"
        page.wait_for_function(READY, polling=500)
        page.evaluate(SAVE)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{notebook.stem}.png")
    finally:
        context.close()
    saved = nbformat.read(folder / notebook.name, as_version=4)
    committed = nbformat.read(notebook, as_version=4)
    nbformat.validate(saved)
    assert [cell.source for cell in saved.cells] == [cell.source for cell in committed.cells]
    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for output in outputs(saved) if output.output_type == "error"]
    # (A network of the profile smoke may call no image a shirt: then there is nothing to explore.)
    drawn = [
        [
            any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
            for cell in one.cells
            if "sliders." not in cell.source
        ]
        for one in (saved, committed)
    ]
    assert drawn[0] == drawn[1]
    for ours, theirs in zip(saved.cells, committed.cells, strict=True):
        if "nbval-check-output" in ours.metadata.get("tags", []):
            assert text(ours) == text(theirs), ours.source
