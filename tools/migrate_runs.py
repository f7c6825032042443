"""Bring runs that an earlier version of the course kept along into this one.

    python tools/migrate_runs.py [FOLDER]

A run is found again by its key: everything that determines its result. When a recipe gets a new
field, older keys lack it. This adds each missing field with the value that stands for what was
done before, and moves the run to the name that goes with its new key; nothing is trained and no
result is touched. FOLDER: the run store (default: $FMNIST_RUNS_DIR, else ~/.fmnist-course/runs).
"""

import argparse
import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path

from fmnist_utils import CourseError
from fmnist_utils.runs import files, run_store
from fmnist_utils.training import Recipe


def migrated(key: dict) -> dict:
    """The key as this version writes it: fields that it lacks have their usual values."""
    key, settings = dict(key), dict(key["recipe"])
    if "opens_test" in key:  # until version 0.2 this stood beside the recipe, not in it
        settings["opens_test"] = key.pop("opens_test")
    for field in fields(Recipe):
        if field.name not in (*settings, *files.SAID_OF_A_RECIPE):
            usual = field.default
            settings[field.name] = field.default_factory() if usual is MISSING else usual
    return key | {"recipe": settings}


def migrate(folder: Path) -> bool:
    """Move one run of the store to its new name; False if it needed nothing.

    Raises CourseError where a run of that name is there already.
    """
    record = json.loads((folder / "run.json").read_text())
    key = migrated(record["key"])
    target = folder.with_name(f"{folder.name.rpartition('.')[0]}.{files.digest(key)}")
    if target == folder:
        return False
    if target.exists():
        raise CourseError(f"{target} is there already; delete {folder}, which is the same run.")
    unfinished = folder / "run.json.unfinished"
    unfinished.write_text(json.dumps(record | {"key": key}, indent=1))
    unfinished.replace(folder / "run.json")
    folder.rename(target)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=run_store(), metavar="FOLDER")
    store = parser.parse_args().folder
    moved = failed = 0
    for record in sorted(store.glob("*/run.json")):
        try:
            moved += migrate(record.parent)
        except (CourseError, OSError) as error:
            print(f"{record.parent} is left as it is: {error}", file=sys.stderr)
            failed += 1
        except (ValueError, KeyError, TypeError):
            print(f"{record.parent} is left as it is: its run.json is no run's.", file=sys.stderr)
            failed += 1
    print(f"{moved} runs in {store} were brought along; the others needed nothing.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
