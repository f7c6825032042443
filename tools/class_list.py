"""Run lessons for a whole class, one seed a student, and collect everyone's figures.

    python tools/class_list.py STUDENTS.csv [NOTEBOOK ...] [--profile P] [--out DIR]

STUDENTS.csv has the columns `student` and `seed`, as a spreadsheet saves them: between commas,
semicolons or tabs, in UTF-8, UTF-16 or Windows' own letters. Each student's notebooks go into a
folder of their own. `results.csv` has one row a student, published model and profile (`full` where
a lesson trains as published), and is written anew after each student. Started again, the command
finds what was trained before.
"""

import argparse
import codecs
import csv
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fmnist_utils import CourseError
from fmnist_utils.__main__ import run
from fmnist_utils.cli.series import find_notebooks, run_series
from fmnist_utils.profiles import PROFILES, check_seed, named

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
RESULTS = "results.csv"
KNOWN = ["student", "seed", "model", "profile"]
MAX_BYTES = 10_000_000
# As 1, 1.0 or 1,00. (1.000 may be one or a thousand: it isn't taken.)
SEED = re.compile(r"([0-9]{1,20})(?:[.,]0{0,2})?")
# What Windows keeps for itself, or no system has in a folder's name.
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|\..*|.*\.|.*[\\/:*?\"<>|].*")


def read(file: Path) -> dict[str, int]:
    """Each student's seed, in the list's order. Names are text, whatever they look like.

    Raises CourseError, with the row, for a file that isn't such a list from its first row to
    its last.
    """
    (_, header), *rows = _rows(file)
    students, folders = {}, {RESULTS: RESULTS}
    for number, cells in rows:
        where = f"{file}, row {number}"
        if any(cells[len(header) :]):
            raise CourseError(f"{where} has more cells than the first row; put quotes around text.")
        named_cells = dict(zip(header, cells, strict=False))
        student, seed = (named_cells.get(name, "") for name in ("student", "seed"))
        if not student:
            raise CourseError(f"{where} has no student; write a name, or empty the whole row.")
        if not seed:
            raise CourseError(f"{where}: {student} has no seed; write a whole number.")
        folder = _folder(student, where)
        if student in students:
            raise CourseError(
                f"{where}: {student!r} is there twice; everybody needs a name of their own."
            )
        if folder in folders:
            raise CourseError(
                f"{where}: {student!r} would share a folder with {folders[folder]!r}; every "
                "student needs a name of their own, whatever its capitals."
            )
        students[student], folders[folder] = _seed(seed, f"{where}, {student}"), student
    if not students:
        raise CourseError(f"{file} names no student; write one a row, below student and seed.")
    return students


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """The rows that aren't empty, numbered as a spreadsheet does, their cells tidied. The first
    one holds the columns' names, in small letters."""
    text = _text(file)
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r"sep=(.)\s*", first)  # a line that Excel reads and doesn't show
    header: list[str] = []
    for delimiter in told[1] if told else ";\t,":
        rows = _parsed(rest if told else text, delimiter)
        try:
            number, header = next(rows, (0, []))
            header = [name.casefold() for name in header]
            if header.count("student") == header.count("seed") == 1:
                return [(number, header), *rows]
        except csv.Error as error:
            if "seed" in header:
                raise CourseError(f"{file}: a quotation mark is out of place ({error}).") from None
    raise CourseError(
        f"{file} is no class list: it needs the columns student and seed, each once, and its first "
        f"row has {', '.join(header)[:80]!r}."
    )


def _parsed(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Quotes are taken strictly: one that isn't closed would swallow the next students.
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    for number, row in enumerate(reader, start=1):
        cells = [" ".join(cell.split()) for cell in row]
        if any(cells):
            yield number, cells


def _text(file: Path) -> str:
    """What stands in the file, in whichever encoding a spreadsheet has chosen."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CourseError(
            f"{file} can't be read as a class list ({why}); it comes first, then the lessons."
        ) from None
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise CourseError(f"{file} is a spreadsheet's own file; save it as CSV and name that.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]  # what Excel calls Unicode text
    elif b"\0" in content[:4]:
        encodings = ["utf-16-be" if content[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
        if "\0" not in text and len(content) <= MAX_BYTES:
            return unicodedata.normalize("NFC", text)
    raise CourseError(f"{file} can't be read as a class list; save it as CSV, in UTF-8.")


def _seed(text: str, where: str) -> int:
    try:
        number = SEED.fullmatch(text)
        return check_seed(int(number[1]) if number else text)
    except CourseError as error:
        raise CourseError(f"{where}: {error}") from None


def _folder(student: str, where: str) -> str:
    """What tells the student's folder from others, on a system that ignores case, too.

    Raises CourseError for a name that can't be a folder's, here or elsewhere.
    """
    try:
        size = len(os.fsencode(student))
    except UnicodeEncodeError:
        raise CourseError(
            f"{where}: {student!a} has letters that this terminal's locale doesn't know; "
            "choose one in UTF-8."
        ) from None
    if RESERVED.fullmatch(student) or not student.isprintable() or size > 120:
        raise CourseError(
            f"{where}: {student[:80]!r} can't be a folder's name; use letters, digits and spaces."
        )
    return unicodedata.normalize("NFKC", student).casefold()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("students", type=Path, metavar="STUDENTS.csv")
    parser.add_argument(
        "notebooks", nargs="*", default=[], metavar="NOTEBOOK", help="02, 02_mlp; none: all"
    )
    parser.add_argument(
        "--profile",
        default="",
        metavar="P",
        help=f"{', '.join(PROFILES)} (default: $FMNIST_PROFILE, else lesson)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/class"),
        metavar="DIR",
        help="where the results go (default: build/class)",
    )
    parser.add_argument(
        "--notebooks",
        dest="folder",
        type=Path,
        default=NOTEBOOKS,
        metavar="DIR",
        help="where they are, if not in the course",
    )
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # no name stops the class halfway
    profile, students = named(arguments.profile), read(arguments.students)
    notebooks = find_notebooks(arguments.notebooks, arguments.folder)

    from fmnist_utils import data, runs
    from fmnist_utils.recipes import PUBLISHED
    from fmnist_utils.reference import tables

    dataset = data.load(profile)
    # A lesson trains some models in its profile, and some as published.
    budgets = dict.fromkeys([profile, data.as_published(profile, dataset)])
    for student in students:  # a folder that can't be made is told now, not after an hour
        (arguments.out / student).mkdir(parents=True, exist_ok=True)
    failed, rows = 0, []
    for number, (student, seed) in enumerate(students.items(), start=1):
        print(f"{number} of {len(students)}: {student}, seed {seed}")
        failed += run_series(notebooks, profile, seed, arguments.out / student)
        for recipe in PUBLISHED.values():
            for budget in budgets:
                if run := runs.find(recipe, dataset, budget, seed):
                    known = dict(zip(KNOWN, (student, seed, recipe.id, budget.name), strict=True))
                    rows.append(known | run.metrics)
        found = pd.DataFrame(rows) if rows else pd.DataFrame(columns=KNOWN)
        tables.write_table(found, arguments.out / RESULTS)
    print(f"{len(rows)} rows in {arguments.out / RESULTS}")
    if not rows:
        print("These lessons train no published model; lessons 2, 3, 4 and 6 do.")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(run(main))  # which ends it properly at Ctrl-C, SIGTERM and SIGHUP
    except (CourseError, OSError) as error:
        sys.exit(f"error: {error}")
