"""Cut an assignment version of each notebook: no worked solutions, no answers, no outputs.

    python tools/handout.py [--out DIR] [NOTEBOOK ...]

The exercises and their checks stay. Written to build/handout, next to nothing else that is there.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from fmnist_utils import CourseError
from fmnist_utils.places import find_notebooks

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
FOLDED = " The worked solutions are folded away below (click to open one), each with its own check."
ANSWER = re.compile(r"\n*<details>.*?</details>", re.DOTALL)


def handout(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook without folded cells, which hold the solutions, without the folded
    answers to the questions in the text, and without outputs."""
    notebook.cells = [
        cell for cell in notebook.cells
        if not cell.metadata.get("jupyter", {}).get("source_hidden")
    ]  # fmt: skip
    for cell in notebook.cells:
        cell.source = ANSWER.sub("", cell.source.replace(FOLDED, ""))
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    return notebook


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="02, 02_mlp; none: all")
    parser.add_argument("--out", type=Path, default=Path("build/handout"), metavar="DIR")
    arguments = parser.parse_args()
    if arguments.out.resolve() == NOTEBOOKS.resolve():
        raise CourseError(f"{arguments.out} holds the lessons themselves; name another folder.")
    for path in find_notebooks(arguments.notebooks, NOTEBOOKS):
        cut = handout(nbformat.read(path, as_version=4))
        arguments.out.mkdir(parents=True, exist_ok=True)
        nbformat.write(cut, arguments.out / path.name)
        print(f"{arguments.out / path.name}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CourseError, OSError) as error:
        sys.exit(f"error: {error}")
