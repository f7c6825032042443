"""How pages are made of notebooks: launch links, formulae, the command line."""

import importlib.util
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT
from lessons import mathml, prepare
from nbformat import v4

# (By its path: Python has a module called site itself.)
spec = importlib.util.spec_from_file_location("tools_site", ROOT / "tools" / "site.py")
site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(site)


def test_launch_links_stand_below_the_title():
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# 1 · The data\n\n**You will learn**")])
    source = prepare(notebook, "01_data.ipynb", "me/copy").cells[0].source
    assert source.startswith("# 1 · The data\n\n{.launch}\n")
    assert "https://mybinder.org/v2/gh/me/copy/HEAD?" in source
    assert source.endswith("\n\n**You will learn**")


LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("file", LESSONS, ids=lambda path: path.stem)
def test_every_cell_names_the_copy(file):
    page = prepare(nbformat.read(file, as_version=4), file.name, "me/copy")
    text = "\n".join(cell.source for cell in page.cells)
    assert "OWNER/REPOSITORY" not in text
    assert "https://github.com/me/copy course" in text  # what Colab fetches


def test_lessons_and_front_page_name_the_copy_as_downloads_too(tmp_path):
    site.gather(tmp_path / "pages", "me/copy")
    files = [tmp_path / "pages" / "index.md", *(tmp_path / "pages" / "notebooks").iterdir()]
    assert len(files) >= 10
    for file in files:
        assert "OWNER/REPOSITORY" not in file.read_text("utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        made = (tmp_path / "pages" / "notebooks" / path.name).read_text("utf-8")
        assert made == path.read_text("utf-8").replace("OWNER/REPOSITORY", "me/copy")


def test_formulae():
    assert "<msub>" in mathml("x_i")
    with pytest.raises(ValueError, match="doesn't know all of this formula"):
        mathml(r"\nosuchcommand{x}")


def test_a_bad_repository_is_told_in_a_sentence():
    command = [sys.executable, str(ROOT / "tools" / "site.py"), "--repository", "https://x/y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--repository must be owner/name, and 'https://x/y' is not." in done.stderr
