"""A lesson's cells, run as people run them: each twice in a row, then all again in any order.

Each must print what it prints when the lesson is run once from top to bottom.
"""

import copy
import random
import re
from pathlib import Path

import nbformat
import pytest
from conftest import SEED
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MEASURES_TIME = "measures-time"


def told(outputs):
    """What a cell's outputs say: text, and of figures and tables the text that stands for them."""
    texts, stream = [], ""
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            stream += output.text
        elif "data" in output:
            texts.append("".join(output.data.get("text/plain", "")))
    return [*texts, stream]


def run(lesson, cells):
    """The lesson with these cells, executed in `smoke`; what each of them tells."""
    lesson = copy.deepcopy(lesson)
    lesson.cells = [copy.deepcopy(cell) for cell in cells]
    for cell in lesson.cells:
        cell.outputs, cell.id = [], nbformat.v4.new_code_cell().id
    folder = {"metadata": {"path": str(NOTEBOOKS[0].parent)}}
    NotebookClient(lesson, timeout=600, kernel_name="python3", resources=folder).execute()
    return [told(cell.outputs) for cell in lesson.cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_gives_the_same_whenever_it_is_run(path, tmp_path, monkeypatch, tally):
    monkeypatch.setenv("FMNIST_PROFILE", "smoke")
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    lesson = nbformat.read(path, as_version=4)
    cells = [cell for cell in lesson.cells if cell.cell_type == "code"]
    once = run(lesson, cells)
    # (Whoever changes the parameters starts the lesson anew.)
    start = next(n for n, cell in enumerate(cells) if "setup(profile, seed)" in cell.source)
    rest = range(start, len(cells))
    again = random.Random(SEED).sample(rest, len(rest))
    order = [number for number in range(len(cells)) for _ in (1, 2)] + again
    results = run(lesson, [cells[number] for number in order])
    for place, (number, result) in enumerate(zip(order, results, strict=True)):
        if MEASURES_TIME in cells[number].metadata.get("tags", []):
            continue
        how = "run twice in a row" if place < 2 * len(cells) else f"run again, order {again}"
        assert result == once[number], f"{path.stem}, {how}:\n{cells[number].source}"
        tally(how.split(",")[0])


def test_only_what_measures_time_may_differ():
    tagged = [
        cell.source
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if MEASURES_TIME in cell.metadata.get("tags", [])
    ]
    assert tagged
    assert all(re.search(r"seconds|in_turns|\.time\b", source) for source in tagged)
