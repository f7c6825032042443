"""Run lessons for a whole class, one seed a student, and collect everyone's figures.

    python tools/class_list.py STUDENTS.csv [NOTEBOOK ...] [--profile P] [--out DIR]

STUDENTS.csv has the columns `student` and `seed`. Each student's notebooks go into a folder of
their own; `results.csv` has one row a student and published model, and is written anew after each
student. Started again, the command finds what was trained before.
"""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

from fmnist_utils import CourseError
from fmnist_utils.cli.series import find_notebooks, run_series
from fmnist_utils.profiles import PROFILES, check_seed, named

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def read(file: Path) -> dict[str, int]:
    """Each student's seed. Raises CourseError for a file that is no such list."""
    try:
        table = pd.read_csv(file, dtype={"student": str})
    except (OSError, ValueError) as error:
        raise CourseError(f"{file} can't be read as a class list ({error}).") from None
    if not {"student", "seed"} <= set(table.columns) or table.empty:
        raise CourseError(f"{file} is no class list; it needs the columns student and seed.")
    for student, seed in zip(table.student, table.seed, strict=True):
        # The names become folders: nothing that leads out of the one they belong in.
        if not re.fullmatch(r"\w[\w .-]*", str(student)):
            raise CourseError(f"{file}: {student!r} can't be a folder's name; use letters, digits.")
        try:
            check_seed(seed)
        except CourseError as error:
            raise CourseError(f"{file}, {student}: {error}") from None
    if table.student.duplicated().any():
        twice = table.student[table.student.duplicated()].iloc[0]
        raise CourseError(f"{file} has {twice!r} twice; every student needs a name of their own.")
    return dict(zip(table.student, table.seed.astype(int), strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("students", type=Path, metavar="STUDENTS.csv")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="02, 02_mlp; none: all")
    parser.add_argument("--profile", default="", metavar="P", help=", ".join(PROFILES))
    parser.add_argument("--out", type=Path, default=Path("build/class"), metavar="DIR")
    parser.add_argument(
        "--notebooks",
        dest="folder",
        type=Path,
        default=NOTEBOOKS,
        metavar="DIR",
        help="where they are, if not in the course",
    )
    arguments = parser.parse_args()
    profile, students = named(arguments.profile), read(arguments.students)
    notebooks = find_notebooks(arguments.notebooks, arguments.folder)

    from fmnist_utils import data, runs
    from fmnist_utils.recipes import PUBLISHED

    dataset = data.load(profile)
    failed, rows = 0, []
    for student, seed in students.items():
        print(f"{student}, seed {seed}")
        failed += run_series(notebooks, profile, seed, arguments.out / student)
        for recipe in PUBLISHED.values():
            if run := runs.find(recipe, dataset, profile, seed):
                rows.append({"student": student, "seed": seed, "model": recipe.id} | run.metrics)
        pd.DataFrame(rows).to_csv(arguments.out / "results.csv", index=False)
    print(f"{len(rows)} rows in {arguments.out / 'results.csv'}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CourseError, OSError) as error:
        sys.exit(f"error: {error}")
