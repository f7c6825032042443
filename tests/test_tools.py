"""What other tools make of a lesson: nbconvert, papermill, and pytest with workers."""

import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter, ScriptExporter, SlidesExporter
from nbformat import v4

from fmnist_utils.cli.pages import described

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MISSING = "No description has been provided"


def run(*command, cwd=ROOT, **environment):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def figures(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output for output in outputs if "image/png" in output.get("data", {})]


def pictures(page):
    shown = BeautifulSoup(page, "html.parser").find_all("img")
    return [picture for picture in shown if picture["src"].startswith("data:")]


PAGES = [(path, HTMLExporter) for path in NOTEBOOKS] + [(NOTEBOOKS[1], SlidesExporter)]


@pytest.mark.parametrize(("path", "exporter"), PAGES)
def test_pages_have_the_figures_alternative_texts(path, exporter):
    page, _ = exporter(preprocessors=[described]).from_filename(str(path))
    texts = [figure.metadata["image/png"]["alt"] for figure in figures(nbformat.read(path, 4))]
    assert texts
    assert [shown["alt"] for shown in pictures(page)] == texts
    assert MISSING not in page


def test_alternative_texts_of_any_picture_and_any_words():
    told = 'less < more & "quoted" it\'s'
    outputs = [
        v4.new_output(
            "display_data", {"image/png": "QUJD\n"}, metadata={"image/png": {"alt": told}}
        ),
        v4.new_output("display_data", {"image/svg+xml": "<svg/>"}, metadata={"alt": told}),
        v4.new_output(
            "display_data", {"image/jpeg": "QUJD"}, metadata={"image/jpeg": {"alt": told}}
        ),
        v4.new_output("display_data", {"image/png": "QUJD"}),
        v4.new_output("display_data", {"image/png": "QUJD", "text/html": "<b>own</b>"}),
        v4.new_output("stream", text="words"),
        v4.new_output(
            "display_data",
            {"application/vnd.jupyter.widget-view+json": {"model_id": "5"}, "text/plain": "VBox()"},
        ),
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell(outputs=outputs), v4.new_markdown_cell()])
    state = {"state": {"5": {}}, "version_major": 2, "version_minor": 0}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    page, _ = HTMLExporter(preprocessors=[described]).from_notebook_node(notebook)
    assert [picture["alt"] for picture in pictures(page)][:3] == [told] * 3
    assert len(pictures(page)) == 4
    assert "<b>own</b>" in page
    assert "VBox" not in page
    assert "widget" not in page.split("<body")[1]


def test_nbconvert_reads_our_settings(tmp_path):
    settings = json.loads((ROOT / "tools" / "jupyter_config.json").read_text())
    assert settings == {"HTMLExporter": {"preprocessors": ["fmnist_utils.cli.pages.described"]}}
    command = ["jupyter", "nbconvert", "--to", "html", "--output-dir", tmp_path, NOTEBOOKS[0]]
    code, said = run(*command, JUPYTER_CONFIG_PATH=str(ROOT / "tools"))
    assert code == 0, said
    assert MISSING not in (tmp_path / "01_data.html").read_text("utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_script_is_python(path):
    script, resources = ScriptExporter().from_filename(str(path))
    assert resources["output_extension"] == ".py"
    compile(script, path.stem, "exec")


def test_the_readmes_pictures_are_the_lessons():
    tagged = {
        path.stem: cell.outputs
        for path in NOTEBOOKS
        for cell in nbformat.read(path, 4).cells
        if "readme-picture" in cell.metadata.get("tags", [])
    }
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"\]\(docs/(\w+)\.png\)", readme) == list(tagged)
    made = load("picture").pictures()
    for name, shown in tagged.items():
        (figure,) = (o.data["image/png"] for o in shown if "image/png" in o.get("data", {}))
        kept = (ROOT / "docs" / f"{name}.png").read_bytes()
        assert made[name] == kept == base64.b64decode(figure)


def load(name):
    """One of the course's own tools, by its path: Python has a module called site itself."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_the_site_is_of_the_lessons_and_what_the_readme_links_to(tmp_path, monkeypatch):
    site, readme = load("site"), tmp_path / "README.md"
    monkeypatch.setattr(site, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs").mkdir()
    for name in ("notebooks/glossary.md", "LICENSE.md", "picture.png", "docs/try.md"):
        (tmp_path / name).write_text("OWNER/REPOSITORY")
    alt = {"image/png": {"alt": "A *chart*"}}
    other, best = (
        v4.new_output("display_data", {"image/png": base64.b64encode(it).decode()}, metadata=alt)
        for it in (b"OTHER", b"PNG")
    )
    cells = [
        v4.new_markdown_cell("# 2 · B\n\nOWNER/REPOSITORY"),
        v4.new_code_cell(outputs=[other]),
        v4.new_code_cell(outputs=[best], metadata={"tags": ["card-picture"]}),
    ]
    (tmp_path / "notebooks" / "07_scoreboard.ipynb").write_text(
        nbformat.writes(v4.new_notebook(cells=cells))
    )
    (tmp_path / "docs" / "front.md").write_text("OWNER/REPOSITORY\nCARDS\nSCOREBOARD\n")
    (tmp_path / "docs" / "front.json").write_text('{"07_scoreboard": "Why?"}')
    linked = "OWNER/REPOSITORY [a](LICENSE.md) ![b](picture.png) [c](https://x.org)"
    readme.write_text(
        f"# The course\n\n{linked}\n"
        "| [07_scoreboard](notebooks/07_scoreboard.ipynb) | what | 2.8 | 1.0 GB |\n"
    )
    site.gather(pages := tmp_path / "pages", "me/copy")
    front, lessons, course = (pages / "index.md").read_text().split("```{toctree}")
    assert front.startswith("me/copy\n")
    assert "![A \\*chart\\*](front/07_scoreboard.png)" in front
    assert "**[2 · B](notebooks/07_scoreboard.ipynb)**\n\nWhy?\n\n3 min of computing" in front
    assert (pages / "front" / "07_scoreboard.png").read_bytes() == b"PNG"
    assert lessons.split()[-2:] == ["notebooks/07_scoreboard", "```"]
    assert course.split()[-4:] == ["README", "notebooks/glossary", "LICENSE", "```"]
    texts = {
        name: (pages / name).read_text() for name in ("notebooks/07_scoreboard.ipynb", "README.md")
    }
    assert "OWNER/REPOSITORY" not in "".join(texts.values())
    start = "# What it is, and how to start\n\nme/copy [a](LICENSE.md)"
    assert texts["README.md"].startswith(start), "the front page has the course's name"
    for name in ("LICENSE.md", "picture.png"):
        assert (pages / name).read_text() == "OWNER/REPOSITORY"
    cells[2].metadata["tags"] = []
    lesson = nbformat.writes(v4.new_notebook(cells=cells))
    (tmp_path / "notebooks" / "07_scoreboard.ipynb").write_text(lesson)
    with pytest.raises(SystemExit, match="has 0 figures in cells tagged card-picture"):
        site.gather(tmp_path / "again", "me/copy")
    with pytest.raises(SystemExit, match="no minutes for notebooks/07_scoreboard"):
        site.cards(["notebooks/07_scoreboard"], linked, tmp_path)
    readme.write_text("[d](gone.md)")
    with pytest.raises(SystemExit, match="README.md links to gone.md, and"):
        site.gather(pages, "me/copy")


def test_the_page_s_networks_are_the_files_that_are_shipped():
    script = load("site").networks()
    content = json.loads(script.removeprefix("const COURSE = ").removesuffix(";\n"))
    folder = ROOT / "fmnist_utils" / "models" / "weights"
    for card in content["networks"]:
        assert base64.b64decode(card["base64"]) == (folder / card["file"]["name"]).read_bytes()
    accuracies = [card["test"]["accuracy"] for card in content["networks"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert len(accuracies) == len(list(folder.glob("*.json")))
    picture = base64.b64decode(content["sprite"].partition(",")[2])
    assert picture == (ROOT / "docs" / "_static" / "try" / "images.png").read_bytes()
    assert len(content["images"]) == 60


def test_with_workers_a_notebook_s_cells_stay_together(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    for name in ("one", "two", "three"):
        cells = [v4.new_code_cell(source) for source in ("x = 1", "x += 1", "assert x == 2")]
        (tmp_path / f"{name}.ipynb").write_text(nbformat.writes(v4.new_notebook(cells=cells)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    code, said = run("pytest", "-n", "2", "--nbval-lax", "-q", cwd=tmp_path)
    assert code == 0, said
    assert "9 passed" in said


@pytest.mark.long
def test_papermill_may_hand_over_text(tmp_path):
    lesson = nbformat.read(NOTEBOOKS[0], 4)
    code = [number for number, cell in enumerate(lesson.cells) if cell.cell_type == "code"]
    del lesson.cells[code[2] + 1 :]  # the parameters, the cell for Colab, the setup
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    command = ["papermill", "-r", "seed", "7", "-r", "profile", "smoke", "--no-progress-bar"]
    command += [tmp_path / "lesson.ipynb", tmp_path / "done.ipynb", "--cwd", ROOT / "notebooks"]
    code, said = run(*command, FMNIST_DATA_DIR="stand-in", FMNIST_PROFILE="full")
    assert code == 0, said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [("0.4", "less than a minute of computing"), ("1.2", "1 min of computing")],
)
def test_a_card_says_how_long_a_lesson_computes(minutes, said, tmp_path, monkeypatch):
    site = load("site")
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "figure", lambda lesson, pictures: "A chart")
    for folder in ("notebooks", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "docs" / "front.json").write_text('{"01_data": "What?"}')
    lesson = v4.new_notebook(cells=[v4.new_markdown_cell("# 1 · Data")])
    (tmp_path / "notebooks" / "01_data.ipynb").write_text(nbformat.writes(lesson))
    readme = f"| [01_data](notebooks/01_data.ipynb) | what | {minutes} | 1.0 GB |\n"
    assert f"What?\n\n{said}\n::::" in site.cards(["notebooks/01_data"], readme, tmp_path)
