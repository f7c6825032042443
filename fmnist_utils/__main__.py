"""The command line: `python -m fmnist_utils {run,data,doctor,reproduce,verify,tune,predict}`.

Slow modules are imported only where a command needs them (TensorFlow for the last four alone):
help and error messages come at once.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from fmnist_utils import CourseError, commands, files, places
from fmnist_utils.profiles import choose

PROG = "python -m fmnist_utils"


def _run(args: argparse.Namespace) -> int:
    profile = choose(args.profile)
    notebooks = places.find_notebooks(args.notebook, args.notebooks)
    from fmnist_utils.series import run_series

    return run_series(notebooks, profile, args.seed, args.out)


def _data(args: argparse.Namespace) -> int:
    named = args.folder or os.environ.get("FMNIST_DATA_DIR")
    if named == "stand-in":
        print("FMNIST_DATA_DIR=stand-in: the lessons use the drawn stand-in and look for no files.")
        print("Unset FMNIST_DATA_DIR, or name a folder with --folder, to have the real data.")
        return 1
    where = Path(args.folder).expanduser().absolute() if args.folder else places.data_folder()
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
    elif named:
        print("The lessons don't start before FMNIST_DATA_DIR names a folder that has these files")
        print(f"or can get them: `{PROG} data --fetch` downloads them.")
    else:
        print(f"The lessons download the rest when they start, as `{PROG} data --fetch` does now;")
        print("where that can't be done, they use a drawn stand-in and say so.")
    return 0 if whole else 1


def _doctor(_: argparse.Namespace) -> int:
    from fmnist_utils.doctor import examine

    return examine()


def _reproduce(args: argparse.Namespace) -> int:
    from fmnist_utils import data, reference, reproducing

    reproducing.check(args.id)
    reproducing.reproduce(args.id, args.seeds, data.load(), args.jobs)
    print(reference.summary().round(2).to_string())
    return 0


def _verify(args: argparse.Namespace) -> int:
    from fmnist_utils import data, reproducing

    reproducing.check([args.id])
    agrees, sentence = reproducing.verify(args.id, args.seed, data.load())
    print(sentence)
    return 0 if agrees else 1


def _tune(args: argparse.Namespace) -> int:
    profile = choose(args.profile)
    from fmnist_utils import data, spaces, tuning

    if args.study not in spaces.SEARCHES:
        raise CourseError(f"{args.study!r} is not a study; choose {' or '.join(spaces.SEARCHES)}.")
    study = tuning.tune(
        f"{args.study}.{args.sampler}.{profile}.seed{args.seed}", spaces.SEARCHES[args.study],
        data.load(profile), profile, args.seed, args.sampler, args.trials, args.storage,
        lambda line: print(line, flush=True),
    )  # fmt: skip
    best = tuning.table(study).sort_values("val_accuracy", ascending=False)
    print(f"\nThe best of {len(best)} trials of {study.study_name}:")
    print(best.head(5).round(4).to_string(index=False))
    return 0


def _predict(args: argparse.Namespace) -> int:
    profile = choose(args.profile)
    from fmnist_utils import photo, photo_file

    images = photo.prepare(args.photo)  # all of them, before any work starts
    from fmnist_utils import predicting

    run = predicting.trained(predicting.choose(args.model), profile)
    for path, probabilities in zip(args.photo, run.predict(images), strict=True):
        print(f"\n{photo_file.shown(path)}\n{predicting.words(probabilities)}")
    print(f"\n{predicting.caution(run)}")
    return 0


COMMANDS = {
    "run": _run, "data": _data, "doctor": _doctor, "reproduce": _reproduce, "verify": _verify,
    "tune": _tune, "predict": _predict,
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code. What the user can put right is one line, no more."""
    args = commands.parser(PROG).parse_args(argv)
    try:
        return COMMANDS[args.command](args)
    except BrokenPipeError:  # `... | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
    except ImportError as error:
        print(f"error: {error}; install the course's packages: "
              "python -m pip install -r requirements.txt", file=sys.stderr)  # fmt: skip
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped before the end", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    # Batch systems stop a job with SIGTERM: end the notebook that runs, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old terminal's character set is no reason to stop
    sys.exit(main())
