"""What the command line takes: its commands, their arguments and their help."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fmnist_utils.data import files, places
from fmnist_utils.messages import CourseError
from fmnist_utils.profiles import PROFILES, check_seed


def parser(prog: str) -> argparse.ArgumentParser:
    """All commands with their options, under the name `prog`."""
    parser = argparse.ArgumentParser(prog=prog, description="Run and look after the course.")
    commands = parser.add_subparsers(
        dest="command",
        required=True,
        metavar="COMMAND",
        # --seed is no short form of `reproduce --seeds`.
        parser_class=partial(argparse.ArgumentParser, allow_abbrev=False),
    )
    with_profile = argparse.ArgumentParser(add_help=False)
    with_profile.add_argument(
        "--profile",
        default="",
        metavar="P",
        help=f"{', '.join(PROFILES)} (default: $FMNIST_PROFILE, else lesson)",
    )
    with_seed = argparse.ArgumentParser(add_help=False)
    with_seed.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: 0")

    run = commands.add_parser(
        "run",
        parents=[with_profile, with_seed],
        help="run the notebooks, one after the other",
        description="Runs notebooks with papermill and writes them, executed, and the same as "
        "HTML, with a summary page (index.html, summary.json) and the logs. Exit code: 0 if every "
        "notebook ran through, 1 if one failed, 2 if the series could not start.",
    )
    run.add_argument(
        "notebook",
        nargs="*",
        metavar="NOTEBOOK",
        help="02, 02_mlp or 02_mlp.ipynb; all of them if none is named",
    )
    run.add_argument(
        "--out",
        type=_folder("--out"),
        default=Path("build"),
        metavar="DIR",
        help="where the results go (default: build)",
    )
    run.add_argument(
        "--notebooks",
        type=_folder("--notebooks"),
        default=Path("notebooks"),
        metavar="DIR",
        help="where the notebooks are (default: notebooks)",
    )

    table = "\n".join(f"  {name}  {md5}" for name, (md5, _) in files.FILES.items())
    data = commands.add_parser(
        "data",
        help="say where the data is and whether it is whole, or fetch it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Looks for the four files of Fashion-MNIST (name, MD5):\n\n{table}\n\n"
        "Exit code: 0 if all four are whole, 1 if not.",
        epilog="environment variables:\n"
        "  FMNIST_DATA_DIR  the folder that holds the files; the value `stand-in` asks for the\n"
        "                   drawn stand-in (default: Keras's cache, ~/.keras/datasets/"
        "fashion-mnist)\n"
        "  FMNIST_MIRROR    an address that is asked before the public mirrors",
    )
    data.add_argument("--fetch", action="store_true", help="download what is missing or damaged")
    data.add_argument("--folder", metavar="DIR", help="look there, and not in FMNIST_DATA_DIR")

    commands.add_parser(
        "doctor",
        help="check Python, packages, memory, disk and data",
        description="Checks whether the course can run here, and says what to do if not. "
        "Exit code: 0 if it can, 1 if not.",
    )

    show = commands.add_parser(
        "show",
        help="print a model's whole recipe, or a script that trains it with Keras alone",
        description="Prints every setting of a model, its layers with shapes, parameters and "
        "multiplications, what was reported and what the reference has.",
    )
    show.add_argument("id", metavar="ID", help="such as cnn-basic; a wrong one lists them all")
    show.add_argument(
        "--keras",
        action="store_true",
        help="print a script instead that trains and evaluates it, and needs nothing but Keras, "
        "TensorFlow and NumPy: `show cnn-basic --keras > cnn_basic.py`",
    )

    predict = commands.add_parser(
        "predict",
        parents=[with_profile],
        help="say what garment is in your own photos",
        description="Brings photos of garments into the form of Fashion-MNIST's images and prints "
        "a network's best three classes for each. The garment should lie on a plain background "
        "of another colour and fill most of the photo. The network comes trained. A file that is "
        "no usable photo is named and skipped. Exit code: 0; 1 if photos were skipped; 2 if none "
        "is left, or nothing was begun.",
    )
    predict.add_argument(
        "photo", nargs="+", metavar="PHOTO", help="JPEG, PNG and WebP files, or folders of them"
    )
    predict.add_argument(
        "--csv", metavar="FILE", help="write all answers to a table, with every probability"
    )
    predict.add_argument(
        "--explain",
        metavar="FILE",
        help="draw one photo's steps, and the places its answer rests on, into a PNG file",
    )
    predict.add_argument(
        "--model",
        default="",
        metavar="ID",
        help="which model (default: speedrun-small); those that come trained are taken as they "
        "are, unless --profile is given; others are trained first, and kept",
    )

    tune = commands.add_parser(
        "tune",
        parents=[with_profile, with_seed],
        help="search for good hyperparameters, alone or with other workers",
        description="Searches with Optuna until there are enough trials. Started again, it goes "
        "on; started several times, on one machine or on many, with a storage that all of "
        "them reach, it is one search by several workers. The trial of a worker that is stopped or "
        "killed is tried again.",
    )
    tune.add_argument("space", metavar="SPACE", help="the search space: mlp or cnn")
    tune.add_argument(
        "--storage",
        metavar="URL",
        help="sqlite:///search.db, postgresql://user@host/database "
        "(default: the file tuning.db in the run store)",
    )
    tune.add_argument("--trials", type=int, metavar="N", help="of all workers together")
    tune.add_argument(
        "--method",
        default="tpe",
        metavar="M",
        help="tpe (a Bayesian method, the default), random or hyperband",
    )

    reproduce = commands.add_parser(
        "reproduce",
        help="train models as their records say (hours), for the reference",
        description="Trains the published models as published, or the models, studies and "
        "searches that are named, at the profile full on the real data, and enters them in "
        "fmnist_utils/reference/. What is done is not done again; an interrupted training goes on.",
    )
    reproduce.add_argument(
        "id",
        nargs="*",
        metavar="ID",
        help="models, studies, searches; none: all published models",
    )
    reproduce.add_argument(
        "--seeds",
        type=int,
        default=3,
        metavar="N",
        help="the seeds 0 to N - 1 (default: 3)",
    )
    reproduce.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="trainings at a time, sharing the cores (default: 1; as many as there are cores is "
        "fastest)",
    )

    ship = commands.add_parser(
        "ship",
        help="make the trained networks that come with the course (an hour)",
        description="Trains the networks of the list SHIPPED, seed 0, at the profile full on the "
        "real data, or finds them in the run store, and writes their weights and model cards into "
        "fmnist_utils/models/weights/, and the images of the web page into docs/.",
    )
    ship.add_argument("id", nargs="*", metavar="ID", help="which of them; none: all")

    verify = commands.add_parser(
        "verify",
        parents=[with_seed],
        help="train one model anew and compare it with the reference",
        description="Trains one model at the profile full on the real data and says "
        "whether its test accuracy agrees with the reference: within 4 standard deviations of the "
        "reference's seeds, and at least within 0.5 points. Exit code: 0 if it does, 1 if not.",
    )
    verify.add_argument("id", metavar="ID")

    commands.add_parser(
        "speedrun",
        parents=[with_seed],
        help="train lesson 8's network on all images: two or three minutes, past every report",
        description="Trains speedrun-93 on the 60,000 training images of the real data, ten epochs "
        "with a live line, then opens the test set once and prints the accuracy beside the best "
        "report's and the reference's. Nothing is kept.",
    )
    return parser


def _seed(text: str) -> int:
    try:
        return check_seed(text)
    except CourseError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _folder(option: str) -> Callable[[str], Path]:
    def folder(text: str) -> Path:
        try:
            places.absolute(text, option)  # refuses what can be no folder's name
        except CourseError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return Path(text).expanduser()  # as it was written: messages stay short

    return folder
