"""How pages are made of notebooks: launch links, formulae, the command line."""

import subprocess
import sys

import pytest
from conftest import ROOT
from lessons import mathml, prepare
from nbformat import v4


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
