"""Bring notebooks into the form in which they are committed.

    python tools/normalise.py [--check] [NOTEBOOK ...]

Keeps what a reader or a tool needs: cells, tags, what is folded, outputs, what the figures say
of themselves (alternative text, what made them), the kernel's name and language.
Drops what a run leaves behind: papermill's injected cell and metadata, times, stderr, sliders.
Numbers the code cells 1…n. With --check nothing is written: the exit code is 1 if a notebook is
not in form.
"""

import argparse
import sys
from pathlib import Path

import nbformat

from fmnist_utils.cli.pages import WIDGET

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # Without these, nbconvert's script of a lesson is no Python file.
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook in its committed form (the same object, changed)."""
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "injected-parameters" not in cell.metadata.get("tags", []) and cell.source.strip()
    ]
    number = 0
    for cell in notebook.cells:
        kept = {}
        if cell.metadata.get("tags"):
            kept["tags"] = cell.metadata["tags"]
        hidden = cell.metadata.get("jupyter", {})
        if hidden := [name for name in ("source_hidden", "outputs_hidden") if hidden.get(name)]:
            kept["jupyter"] = dict.fromkeys(hidden, True)
        cell.metadata = nbformat.from_dict(kept)
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            number += 1
            cell.execution_count = number
            cell.outputs = _merged([o for o in cell.outputs if not _passing(o)])
            for output in cell.outputs:
                if "metadata" in output:
                    told = output.metadata.get("image/png", {})
                    told = {name: told[name] for name in ("alt", "made_by") if name in told}
                    output.metadata = nbformat.from_dict({"image/png": told} if told else {})
                if output.output_type == "execute_result":
                    output.execution_count = number
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def _passing(output: nbformat.NotebookNode) -> bool:
    # Sliders need a kernel; the picture that they begin with stays.
    return WIDGET in output.get("data", {}) or output.get("name") == "stderr"


def _merged(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    # A slow cell prints in several pieces; where they are cut depends on the machine.
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def text_of(notebook: nbformat.NotebookNode) -> str:
    """The notebook as it stands in its file."""
    return nbformat.writes(notebook) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing, only tell")
    arguments = parser.parse_args()
    wrong = []
    for path in arguments.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        after = text_of(normalise(nbformat.reads(before, as_version=4)))
        if after != before:
            wrong.append(path)
            if not arguments.check:
                path.write_text(after, encoding="utf-8")
    for path in wrong:
        print(f"{path.name}: {'not in form' if arguments.check else 'brought into form'}")
    return 1 if wrong and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
