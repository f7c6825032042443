"""Cut an assignment version of each notebook: no worked solutions, no answers, no outputs.

    python tools/handout.py [--out DIR] [NOTEBOOK ...]

The exercises and their checks stay, and the pages to which the lessons link lie beside them.
Written to build/handout; what else is in that folder stays (`make handout` empties it first).
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor

from fmnist_utils import CourseError
from fmnist_utils.cli.series import find_notebooks

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
FOLDED = " The worked solutions are folded away below (click to open one), each with its own check."
ANSWER = re.compile(r"\n*<details\b[^>]*>.*?</details\s*>", re.DOTALL | re.IGNORECASE)
SOLUTION = re.compile(r"(?i)\s*#\s*worked solution\b")


def handout(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook without the worked solutions, without the answers to the questions in
    the text, and without outputs. (Whether either is folded or open makes no difference.)"""
    notebook.cells = [cell for cell in notebook.cells if not _is_solution(cell)]
    notebook, _ = ClearOutputPreprocessor().preprocess(notebook, {})
    for cell in notebook.cells:
        cell.source = ANSWER.sub("", cell.source.replace(FOLDED, ""))
    nbformat.validate(notebook)
    return notebook


def _is_solution(cell: nbformat.NotebookNode) -> bool:
    # By its first line, too: a tag is lost when a cell is copied or split.
    tags = {tag.strip().casefold() for tag in cell.metadata.get("tags", [])}
    return "solution" in tags or bool(SOLUTION.match(cell.source))


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
    for page in NOTEBOOKS.glob("*.md"):  # the glossary
        shutil.copyfile(page, arguments.out / page.name)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CourseError, OSError) as error:
        sys.exit(f"error: {error}")
