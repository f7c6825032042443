"""The command line: `python -m fmnist_utils {run,data,doctor,reproduce,verify}`.

Slow modules are imported only where a command needs them (TensorFlow for the last two alone): help
and error messages come at once.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from fmnist_utils import CourseError, files, places
from fmnist_utils.profiles import PROFILES, check_seed, choose

PROG = "python -m fmnist_utils"


def _seed(text: str) -> int:
    try:
        return check_seed(int(text))
    except (ValueError, CourseError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed; give a whole number from 0 to 4294967295."
        ) from None


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description="Run and look after the course.")
    commands = parser.add_subparsers(required=True, metavar="{run,data,doctor,reproduce,verify}")

    run = commands.add_parser(
        "run", help="run the notebooks, one after the other",
        description="Runs notebooks with papermill and writes them, executed, and the same as "
        "HTML, with a summary page (index.html, summary.json) and the logs. Exit code: 0 if every "
        "notebook ran through, 1 if one failed, 2 if the series could not start.",
    )  # fmt: skip
    run.add_argument("notebook", nargs="*", metavar="NOTEBOOK",
                     help="02, 02_mlp or 02_mlp.ipynb; all of them if none is named")  # fmt: skip
    run.add_argument("--profile", default="", metavar="P", help=f"{', '.join(PROFILES)} "
                     "(default: $FMNIST_PROFILE, else lesson)")  # fmt: skip
    run.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: 0")
    run.add_argument("--out", type=Path, default=Path("build"), metavar="DIR",
                     help="where the results go (default: build)")  # fmt: skip
    run.add_argument("--notebooks", type=Path, default=Path("notebooks"), metavar="DIR",
                     help="where the notebooks are (default: notebooks)")  # fmt: skip
    run.set_defaults(command=_run)

    table = "\n".join(f"  {name}  {md5}" for name, (md5, _) in files.FILES.items())
    data = commands.add_parser(
        "data", help="say where the data is and whether it is whole, or fetch it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Looks for the four files of Fashion-MNIST (name, MD5):\n\n{table}\n\n"
        "Exit code: 0 if all four are whole, 1 if not.",
        epilog="environment variables:\n"
        "  FMNIST_DATA_DIR  the folder that holds the files; the value `stand-in` asks for the\n"
        "                   drawn stand-in (default: Keras's cache, ~/.keras/datasets/"
        "fashion-mnist)\n"
        "  FMNIST_MIRROR    an address, ending in a slash, that is asked before the public mirrors",
    )  # fmt: skip
    data.add_argument("--fetch", action="store_true", help="download what is missing or damaged")
    data.add_argument("--folder", metavar="DIR", help="look there, and not in FMNIST_DATA_DIR")
    data.set_defaults(command=_data)

    doctor = commands.add_parser(
        "doctor", help="check Python, packages, memory, disk and data",
        description="Checks whether the course can run here, and says what to do if not. "
        "Exit code: 0 if it can, 1 if not.",
    )  # fmt: skip
    doctor.set_defaults(command=_doctor)

    reproduce = commands.add_parser(
        "reproduce", help="train published models as published (hours), for the reference",
        description="Trains published models at the profile full on the real data and enters them "
        "in fmnist_utils/reference/. What is done is not done again; an interrupted training goes "
        "on.",
    )  # fmt: skip
    reproduce.add_argument("id", nargs="*", metavar="ID",
                           help="published models or studies; none: all twenty models")  # fmt: skip
    reproduce.add_argument("--seeds", type=int, default=3, metavar="N",
                           help="the seeds 0 to N - 1 (default: 3)")  # fmt: skip
    reproduce.add_argument("--jobs", type=int, default=1, metavar="N",
                           help="trainings at a time, sharing the cores (default: 1; as many as "
                           "there are cores is fastest)")  # fmt: skip
    reproduce.set_defaults(command=_reproduce)

    verify = commands.add_parser(
        "verify", help="train one published model anew and compare it with the reference",
        description="Trains one published model at the profile full on the real data and says "
        "whether its test accuracy agrees with the reference: within 4 standard deviations of the "
        "reference's seeds, and at least within 0.5 points. Exit code: 0 if it does, 1 if not.",
    )  # fmt: skip
    verify.add_argument("id", metavar="ID")
    verify.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: 0")
    verify.set_defaults(command=_verify)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code. What the user can put right is one line, no more."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
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
