"""Link the first use of each glossary word in the lessons to notebooks/glossary.md.

    python tools/glossary.py [--check]

Links that stand elsewhere are taken out. Headings, code, formulas and other links stay untouched.
With --check nothing is written: the exit code is 1 if a link is missing or in the wrong place.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
# Where the lessons say a word in another form than the glossary.
FORMS = {
    "batch normalisation": "batch ?normali[sz]ation",
    "head": "head(?!ing)",
    "test set": "test (?:set|images)",
    "validation set": "validation (?:set|images)",
    "roc curve": "ROC(?: curves?)?",
}
LINK = re.compile(r"\[([^]]*)\]\(glossary\.md#[^)]*\)")
# What no link may stand in: formulas, code, other links, headings.
CLOSED = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]+\$|```.*?```|`[^`\n]*`|!?\[[^]]*\]\([^)]*\)|^#[^\n]*", re.S | re.M
)


def terms() -> list[str]:
    """The glossary's words, the longest first: "batch normalisation" before "batch"."""
    found = re.findall(r"^### (.+)$", (NOTEBOOKS / "glossary.md").read_text("utf-8"), re.M)
    return sorted(found, key=len, reverse=True)


def first_use(term: str, text: str) -> re.Match | None:
    closed = [match.span() for match in CLOSED.finditer(text)]
    for match in re.finditer(rf"\b(?:{FORMS.get(term, term + '(?:e?s)?')})\b", text, re.I):
        if not any(start < match.end() and match.start() < end for start, end in closed):
            return match
    return None


def linked(lessons: list[nbformat.NotebookNode]) -> list[str]:
    """Put all links into the lessons, in place; returns the words that no lesson uses."""
    prose = [cell for lesson in lessons for cell in lesson.cells if cell.cell_type == "markdown"]
    for cell in prose:
        cell.source = LINK.sub(r"\1", cell.source)
    unused = []
    for term in terms():
        for cell in prose:
            if match := first_use(term, cell.source):
                link = f"[{match[0]}](glossary.md#{term.replace(' ', '-')})"
                cell.source = cell.source[: match.start()] + link + cell.source[match.end() :]
                break
        else:
            unused.append(term)
    return unused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only tell")
    check = parser.parse_args().check
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    before = [path.read_text("utf-8") for path in paths]
    lessons = [nbformat.reads(text, as_version=4) for text in before]
    problems = [f"no lesson uses the glossary's {term!r}" for term in linked(lessons)]
    for path, text, lesson in zip(paths, before, lessons, strict=True):
        after = nbformat.writes(lesson) + "\n"
        if after != text:
            problems += [f"{path.name}: links to the glossary are missing or misplaced"] * check
            if not check:
                path.write_text(after, encoding="utf-8")
    print("\n".join(problems) or "every word of the glossary is linked where it is first used")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
