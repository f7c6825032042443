"""The command line: one function a command.

Slow modules are imported only where a command needs them: help and error messages come at once.
"""

import argparse
import os
import sys
from functools import cache

from fmnist_utils.cli import parser
from fmnist_utils.data import files, places
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import named

PROG = "python -m fmnist_utils"


def _run(args: argparse.Namespace) -> int:
    profile = named(args.profile)
    from fmnist_utils.cli import series

    notebooks = series.find_notebooks(args.notebook, args.notebooks)
    return series.run_series(notebooks, profile, args.seed, args.out)


def _data(args: argparse.Namespace) -> int:
    chosen = os.environ.get("FMNIST_DATA_DIR")
    if chosen == "stand-in" and not args.folder:
        print("FMNIST_DATA_DIR=stand-in: the lessons use the drawn stand-in and look for no files.")
        print("Unset FMNIST_DATA_DIR, or name a folder with --folder, to have the real data.")
        return 1
    where = places.absolute(args.folder, "--folder") if args.folder else places.data_folder()
    print(f"Fashion-MNIST is expected in {where}")
    found = files.status(where)
    for name, problem in found.items():
        note = ""
        if problem and args.fetch:
            try:
                files.download(name, where)
                problem, note = "", " (fetched now)"
            except files.BadFile as failure:
                note = f"; it can't be downloaded ({failure})"
        found[name] = problem
        print(f"  {name} {problem or 'is whole'}{note}", flush=True)
    whole = not any(found.values())
    if args.folder:
        print(f"The lessons look there if FMNIST_DATA_DIR={where} is set.")
    elif whole:
        print("The lessons use this real data.")
    elif chosen and args.fetch:
        print("The lessons don't start without these files: put them there by hand, or set")
        print("FMNIST_MIRROR to an address that has them.")
    elif chosen and not where.is_dir():
        print("FMNIST_DATA_DIR names no folder: correct it, or unset it to let the course download")
        print(f"the data; `{PROG} data --fetch` makes this folder and downloads it there.")
    elif chosen:
        print("The lessons don't start before FMNIST_DATA_DIR names a folder that has these files")
        print(f"or can get them: `{PROG} data --fetch` downloads them.")
    else:
        print(f"The lessons download the rest when they start, as `{PROG} data --fetch` does now;")
        print("where that can't be done, they use a drawn stand-in and say so.")
    return 0 if whole else 1


def _doctor(_: argparse.Namespace) -> int:
    from fmnist_utils.cli.doctor import examine

    return examine()


def _show(args: argparse.Namespace) -> int:
    from fmnist_utils.cli import show

    if args.keras and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # as Python reads its files
    print(show.script(args.id) if args.keras else show.describe(args.id))
    return 0


def _reproduce(args: argparse.Namespace) -> int:
    from fmnist_utils import data, reference
    from fmnist_utils.cli import reproduce

    reproduce.check(args.id)
    reproduce.reproduce(args.id, args.seeds, data.load(), args.jobs)
    print(reference.summary().round(2).to_string())
    return 0


def _verify(args: argparse.Namespace) -> int:
    from fmnist_utils import data
    from fmnist_utils.cli import reproduce

    reproduce.check([args.id])
    agrees, sentence = reproduce.verify(args.id, args.seed, data.load())
    print(sentence)
    return 0 if agrees else 1


def _speedrun(args: argparse.Namespace) -> int:
    from fmnist_utils import data
    from fmnist_utils.cli import reproduce

    print(reproduce.speedrun(args.seed, data.load()))
    return 0


def _ship(args: argparse.Namespace) -> int:
    from fmnist_utils.recipes import SHIPPED

    for id in args.id:
        if id not in SHIPPED:
            raise CourseError(f"{id!r} doesn't come trained; choose {' or '.join(SHIPPED)}.")
    from fmnist_utils.cli import ship

    ship.ship_all([SHIPPED[id] for id in args.id or SHIPPED])
    return 0


def _tune(args: argparse.Namespace) -> int:
    profile = named(args.profile)
    from fmnist_utils import data, tuning

    if args.space not in tuning.SPACES:
        raise CourseError(
            f"{args.space!r} is not a search space; choose {' or '.join(tuning.SPACES)}."
        )
    study = tuning.tune(
        f"{args.space}.{args.method}.{profile}.seed{args.seed}",
        tuning.SPACES[args.space],
        data.load(profile),
        profile,
        args.seed,
        args.method,
        args.trials,
        args.storage,
        lambda line: print(line, flush=True),
    )
    best = tuning.table(study).sort_values("val_accuracy", ascending=False)
    print(f"\nThe best of {len(best)} trials of {study.study_name}:")
    print(best.head(5).round(4).to_string(index=False))
    return 0


def _predict(args: argparse.Namespace) -> int:
    profile = named(args.profile)
    from fmnist_utils.cli import predict

    photos = predict.photos_in(args.photo)
    if args.explain and len(photos) > 1:
        raise CourseError(f"--explain draws one photo, and not {len(photos)}; name one.")
    for option, mark in (("csv", predict.TABLE), ("explain", predict.PICTURE)):
        if path := getattr(args, option):
            predict.refuse_to_overwrite(f"--{option}", path, mark)
    if len(photos) == 1:
        predict.photo.prepare(photos)  # before TensorFlow starts: what is no photo is told at once

    from fmnist_utils.models import ready
    from fmnist_utils.photo import model

    id = args.model or ready.DEFAULT
    recipe = model.recipe_of(id) if args.profile or id not in ready.TRAINED else None

    @cache
    def network() -> model.Network:
        return model.trained(recipe, profile) if recipe else model.shipped(id)

    code = predict.predict(photos, network, args.csv)
    if args.explain and not code:
        predict.explain(photos[0], network(), args.explain)
    return code


COMMANDS = {
    "run": _run,
    "data": _data,
    "doctor": _doctor,
    "show": _show,
    "predict": _predict,
    "tune": _tune,
    "reproduce": _reproduce,
    "ship": _ship,
    "verify": _verify,
    "speedrun": _speedrun,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code. What the user can put right is one line, no more.
    (`__main__.run` says that a signal has ended it.)"""
    args, unknown = parser.parser(PROG).parse_known_args(argv)
    if unknown:
        print(
            f"error: {args.command} doesn't take {' '.join(unknown)}; "
            f"`{PROG} {args.command} --help` says what it takes.",
            file=sys.stderr,
        )
        return 2
    try:
        if args.command != "doctor":  # which says it as one finding among others
            places.settle()
        return COMMANDS[args.command](args)
    except BrokenPipeError:  # `... | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    except ImportError as error:
        print(
            f"error: {error}; use .venv/bin/python, if `make` has made that, or install the "
            "course's packages: python -m pip install -r requirements.txt",
            file=sys.stderr,
        )
    return 2
