"""How pages are made of notebooks: alternative texts, formulae, the command line."""

import subprocess
import sys

import pytest
from alternative_text import EXPLORED, alternative_texts, drawn_in
from conftest import ROOT
from lessons import mathml, prepare
from nbformat import v4


def figure(alt=""):
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return v4.new_output("display_data", {"image/png": "iVBORw0KGgo="}, metadata=metadata)


def test_alternative_text_is_what_the_notebook_stored():
    cell = v4.new_code_cell('plots.dots(a, b, f"Best: {best}")', outputs=[figure("Best: Adam")])
    assert alternative_texts(v4.new_notebook(cells=[cell])) == ["Dots with error bars: Best: Adam"]


def test_alternative_text_names_the_section_when_the_title_is_filled_in():
    code = 'plots.curves(h, f"Best: {best}")'
    cells = [v4.new_markdown_cell("## Rates\n\nSee."),
             v4.new_code_cell(code, outputs=[figure(), figure()])]  # fmt: skip
    text = "Loss and accuracy per epoch: Best: … (in the section “Rates”)"
    assert alternative_texts(v4.new_notebook(cells=cells)) == [
        f"{text} (1 of 2)", f"{text} (2 of 2)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('plots.grid(x, title="Ten bags")', ("Pictures", "Ten bags")),
        ('plots.scatter(t, "x", "y", "Larger is slower")', ("Scatter plot", "Larger is slower")),
        ('plots.finish(figure, f"{n:.0%} are dark")\nplt.show()', ("Chart", "… are dark")),
        ('plots.confusion(m, "Seed 0: " + ", ".join(x))', ("Confusion matrix", "Seed 0: …")),
        ('def draw(t, title):\n    plots.finish(f, title)\n\ndraw(t, "Two hold")',
         ("Chart", "Two hold")),
        ('if a:\n    !ls\nplots.roc(c, areas, "Two curves")', ("ROC curves", "Two curves")),
        ("explore.predictions(x, y, outputs)", EXPLORED["predictions"]),
        ('plots.Table(frame, "A table")', ("Chart", "")),
        ("plots.curves(h, title)", ("Chart", "")),
    ],
)  # fmt: skip
def test_titles_are_found_in_the_source(source, expected):
    assert drawn_in(source) == expected


def test_launch_links_stand_below_the_title():
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# 1 · The data\n\n**You will learn**")])
    source = prepare(notebook, "01_data.ipynb", "me/copy").cells[0].source
    assert source.startswith("# 1 · The data\n\n{.launch}\n")
    assert "https://mybinder.org/v2/gh/me/copy/HEAD?" in source
    assert source.endswith("\n\n**You will learn**")


def test_formulae():
    assert "<msub>" in mathml("x_i")
    with pytest.raises(ValueError, match="doesn't know all of this formula"):
        mathml(r"\nosuchcommand{x}")


def test_a_bad_repository_is_told_in_a_sentence():
    command = [sys.executable, str(ROOT / "tools" / "site.py"), "--repository", "https://x/y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--repository must be owner/name, and 'https://x/y' is not." in done.stderr
