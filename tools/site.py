"""Build the course as a static site from the committed notebooks, executing none of them.

    python tools/site.py [--repository OWNER/NAME] [--out build/site]

The front page is docs/front.md, with a card for each lesson. The README is a page as well, and its
links decide what else becomes part of the site. A warning of Sphinx (a link that leads nowhere,
say) is an error.
"""

import argparse
import json
import re
import shutil
import sys
from base64 import b64decode, b64encode
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "fmnist_utils" / "models" / "weights"
PLACEHOLDER = "OWNER/REPOSITORY"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def gather(pages: Path, repository: str) -> None:
    """Lay the site's sources into the folder `pages`, at the places they have in the repository."""
    shutil.rmtree(pages, ignore_errors=True)
    readme = (ROOT / "README.md").read_text("utf-8").replace(PLACEHOLDER, repository)
    linked = {Path(target) for target in LINK.findall(readme)}
    beside = {
        path.relative_to(ROOT)
        for path in (ROOT / "notebooks").iterdir()
        if path.suffix in (".ipynb", ".md")
    }
    for path in sorted(linked | beside):
        if not (ROOT / path).is_file():
            sys.exit(f"README.md links to {path}, and the site needs a file there.")
        target = pages / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in beside:  # as a page and as a download, a lesson names the copy it comes from
            text = (ROOT / path).read_text("utf-8").replace(PLACEHOLDER, repository)
            target.write_text(text, "utf-8", newline="\n")
        else:
            shutil.copyfile(ROOT / path, target)
    texts = [path for path in sorted(beside) + sorted(linked - beside) if path.suffix == ".md"]
    others = [path.with_suffix("").as_posix() for path in texts]
    lessons = [
        path.with_suffix("").as_posix() for path in sorted(beside) if path.suffix == ".ipynb"
    ]
    front = (ROOT / "docs" / "front.md").read_text("utf-8").replace(PLACEHOLDER, repository)
    pictures = pages / "front"
    pictures.mkdir()
    board = "notebooks/07_scoreboard"
    front = front.replace("CARDS", cards(lessons, readme, pictures))
    front = front.replace(
        "SCOREBOARD", f"![{figure(board, pictures)}](front/{Path(board).name}.png)"
    )
    front += contents("The lessons", lessons)
    front += contents("The course", ["try", "README", *others])
    (pages / "index.md").write_text(front, encoding="utf-8")
    # (The front page has README's own title.)
    start = re.sub(r"\A# .*", "# What it is, and how to start", readme)
    (pages / "README.md").write_text(start, encoding="utf-8")
    shutil.copyfile(ROOT / "docs" / "try.md", pages / "try.md")


def cards(lessons: list[str], readme: str, pictures: Path) -> str:
    """A card a lesson, in Markdown: its question, its best figure, and the minutes it takes."""
    questions = json.loads((ROOT / "docs" / "front.json").read_text("utf-8"))
    made = []
    for lesson in lessons:
        name = Path(lesson).name
        title = json.loads((ROOT / f"{lesson}.ipynb").read_text("utf-8"))["cells"][0]["source"]
        title = "".join(title).partition("\n")[0].removeprefix("# ")
        minutes = re.search(rf"\({lesson}\.ipynb\) \|.*?\| ([\d.]+) \|", readme)
        if not minutes:
            sys.exit(f"README.md has no minutes for {lesson}, and its card needs them.")
        took = float(minutes[1])
        parts = [
            "::::{container} lesson-card",
            f"![{figure(lesson, pictures)}](front/{name}.png)\n",
            f"**[{title}]({lesson}.ipynb)**\n",
            f"{questions[name]}\n",
            f"{took:.0f} min of computing" if took >= 1 else "less than a minute of computing",
            "::::",
        ]
        made.append("\n".join(parts))
    return ":::::{container} lesson-cards\n" + "\n".join(made) + "\n:::::"


def figure(lesson: str, pictures: Path) -> str:
    """Lay a lesson's best figure, that of the cell tagged `card-picture`, into a folder: its
    alternative text."""
    cells = json.loads((ROOT / f"{lesson}.ipynb").read_text("utf-8"))["cells"]
    chosen = [cell for cell in cells if "card-picture" in cell["metadata"].get("tags", [])]
    found = [
        output
        for cell in chosen
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    if len(found) != 1:
        sys.exit(f"{lesson}.ipynb has {len(found)} figures in cells tagged card-picture, not one.")
    (output,) = found
    content = b64decode("".join(output["data"]["image/png"]))
    (pictures / f"{Path(lesson).name}.png").write_bytes(content)
    return re.sub(r"([\[\]*_`])", r"\\\1", output["metadata"]["image/png"]["alt"])


def networks() -> str:
    """The script that holds the trained networks and the test images of the page "Try it": the
    files that the package ships, in base64, as a page in a folder may load scripts and no more."""
    shipped = [json.loads(path.read_text("utf-8")) for path in sorted(WEIGHTS.glob("*.json"))]
    shipped.sort(key=lambda card: -card["test"]["accuracy"])
    for card in shipped:
        card["base64"] = b64encode((WEIGHTS / card["file"]["name"]).read_bytes()).decode()
        del card["recipe"], card["training"]
    shown = ROOT / "docs" / "_static" / "try"
    sprite = b64encode((shown / "images.png").read_bytes()).decode()
    content = json.loads((shown / "images.json").read_text("utf-8"))
    content |= {"networks": shipped, "sprite": f"data:image/png;base64,{sprite}"}
    return f"const COURSE = {json.dumps(content, ensure_ascii=False)};\n"


def contents(caption: str, pages: list[str]) -> str:
    """A part of the list that stands at the side of each page, in Sphinx's words."""
    entries = "\n".join(pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repository", default=PLACEHOLDER, help="its place on GitHub: owner/name")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    arguments = parser.parse_args()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", arguments.repository):
        parser.error(f"--repository must be owner/name, and {arguments.repository!r} is not.")
    try:
        from sphinx.cmd.build import build_main
    except ImportError:
        sys.exit("Sphinx is missing here: `make site` installs it and runs this file.")
    pages = ROOT / "build" / "site-pages"
    gather(pages, arguments.repository)
    shutil.rmtree(arguments.out, ignore_errors=True)
    options = [
        "--conf-dir",
        str(ROOT / "docs"),
        "-D",
        f"site_repository={arguments.repository}",
        "--quiet",
        "--fresh-env",
        "--fail-on-warning",
        "--doctree-dir",
        str(ROOT / "build" / "site-doctrees"),
    ]
    failed = build_main([*options, str(pages), str(arguments.out)])
    if not failed:
        (arguments.out / "_static" / "try" / "networks.js").write_text(networks(), "utf-8")
        (arguments.out / ".nojekyll").touch()  # else GitHub Pages hides the folders named _…
        print(f"The site is in {arguments.out / 'index.html'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
