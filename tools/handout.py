"""Cut an assignment version of each notebook: no worked solutions, no answers, no outputs.

    python tools/handout.py [--out DIR] [NOTEBOOK ...]

The exercises and their checks stay. Written to build/handout, next to nothing else that is there.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor

from fmnist_utils import CourseError
from fmnist_utils.cli.series import find_notebooks

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
FOLDED = " The worked solutions are folded away below (click to open one), each with its own check."
ANSWER = re.compile(r"\n*<details>.*?</details>", re.DOTALL)


def handout(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook without the cells tagged `solution`, without the folded answers to the
    questions in the text, and without outputs."""
    for step in (TagRemovePreprocessor(remove_cell_tags={"solution"}), ClearOutputPreprocessor()):
        notebook, _ = step.preprocess(notebook, {})
    for cell in notebook.cells:
        cell.source = ANSWER.sub("", cell.source.replace(FOLDED, ""))
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
