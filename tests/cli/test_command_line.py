"""`python -m fmnist_utils`: what it accepts, what it says at once, and how it ends."""

import shutil

import optuna
import pytest

from fmnist_utils.cli import COMMANDS, PROG, main
from fmnist_utils.cli.parser import parser
from fmnist_utils.data import files
from fmnist_utils.profiles import PROFILES
from fmnist_utils.recipes.spaces import SPACES

LABELS = "t10k-labels-idx1-ubyte.gz"
# What a command can't do without.
NEEDED = {"show": ["cnn-basic"], "predict": ["a.jpg"], "tune": ["mlp"], "verify": ["cnn-basic"]}


def understood(command, *options):
    return parser(PROG).parse_args([command, *NEEDED.get(command, []), *options])


def misunderstood(capsys, *args):
    """The last line about arguments that the parser refuses."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("command", ["run", "tune", "verify"])
def test_seeds(command, capsys):
    assert understood(command).seed == 0
    assert understood(command, "--seed", "4294967295").seed == 4294967295
    for seed in ("abc", "-1", "1.5", "4294967296", "", "1_0", " 7"):
        last = misunderstood(capsys, command, *NEEDED.get(command, []), "--seed", seed)
        assert last.startswith(f"{PROG} {command}: error: argument --seed: ")
        assert last.endswith("is not a seed; give a whole number from 0 to 4294967295.")


@pytest.mark.parametrize("command", ["run", "tune", "predict"])
def test_profiles(command, refused, monkeypatch):
    assert understood(command).profile == ""
    assert understood(command, "--profile", "smoke").profile == "smoke"
    says = "'quick' is not a profile; choose one of smoke, lesson, full."
    assert says in refused(command, *NEEDED.get(command, []), "--profile", "quick")
    monkeypatch.setenv("FMNIST_PROFILE", "quick")
    assert says in refused(command, *NEEDED.get(command, []))


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("predict", "--seed"),
        ("verify", "--profile"),
        ("reproduce", "--profile"),
        ("reproduce", "--seed"),  # no short form of --seeds
        ("run", "--sed"),
    ],
)
def test_options_that_would_mean_nothing(command, option, refused):
    said = refused(command, *NEEDED.get(command, []), option, "1")
    assert f"error: {command} doesn't take {option}" in said
    assert f"{command} --help`" in said


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_needs_no_tensorflow(command, start, no_tensorflow):
    process = start(*filter(None, [command]), "--help", PYTHONPATH=no_tensorflow)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"usage: {PROG} {command}".rstrip())


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("run --profile fast", "'fast' is not a profile; choose one of smoke, lesson, full.\n"),
        ("run 99", "'99' is not a notebook in notebooks; there are 01_data, "),
        ("predict no.jpg", "no.jpg doesn't exist; check the name and the folder.\n"),
    ],
)
def test_an_error_is_one_line_and_needs_no_tensorflow(args, says, start, no_tensorflow):
    process = start(*args.split(), PYTHONPATH=no_tensorflow)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {says}")


def test_tune_passes_on_what_it_is_asked_for_and_shows_the_best(dataset, monkeypatch, capsys):
    asked, study = [], optuna.create_study(study_name="mine")
    for accuracy in (0.5, 0.75, 0.25):
        facts = dict(user_attrs={"seconds": 1.0}, intermediate_values={2: accuracy})
        study.add_trial(optuna.create_trial(value=accuracy, **facts))
    monkeypatch.setattr("fmnist_utils.data.load", lambda profile: dataset)
    monkeypatch.setattr("fmnist_utils.tuning.tune", lambda *given: asked.append(given) or study)
    options = "--profile lesson --seed 4 --method random --trials 3 --storage sqlite:///x.db"
    assert main(["tune", "mlp", *options.split()]) == 0
    ((name, space, *others, report),) = asked
    assert (name, space) == ("mlp.random.lesson.seed4", SPACES["mlp"])
    assert others == [dataset, PROFILES["lesson"], 4, "random", 3, "sqlite:///x.db"]
    report("a line")
    said = capsys.readouterr().out.splitlines()
    assert (said[1], said[-1]) == ("The best of 3 trials of mine:", "a line")
    assert [line.split()[:3] for line in said[3:-1]] == [
        ["1", "complete", "0.75"],
        ["0", "complete", "0.50"],
        ["2", "complete", "0.25"],
    ]


def test_tune_names_the_spaces(refused):
    says = "'forest' is not a search space; choose mlp or cnn."
    assert says in refused("tune", "forest", "--profile", "smoke")


def test_data_whole_damaged_and_fetched(folder, capsys, monkeypatch, tmp_path):
    def says(*args: str) -> tuple[int, str]:
        return main(["data", *args]), capsys.readouterr().out

    code, text = says()
    assert (code, text.count(" is whole")) == (0, 4)
    assert str(folder) in text

    mirror = shutil.copytree(folder, tmp_path / "mirror")
    (folder / LABELS).write_text(LABELS.upper())
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    code, text = says()
    assert (code, text.count(" is whole")) == (1, 2)
    assert f"{LABELS} is damaged" in text
    assert "train-labels-idx1-ubyte.gz is missing" in text

    code, text = says("--fetch")  # there is no mirror
    assert (code, text.count("can't be downloaded")) == (1, 2)
    monkeypatch.setenv("FMNIST_MIRROR", mirror.as_uri() + "/")
    code, text = says("--fetch")
    assert (code, text.count("(fetched now)")) == (0, 2)
    assert says()[0] == 0
    assert says("--folder", str(tmp_path / "none"))[0] == 1


def test_data_says_when_the_lessons_use_the_stand_in(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    assert main(["data"]) == 1
    assert "use the drawn stand-in" in capsys.readouterr().out
    monkeypatch.delenv("FMNIST_DATA_DIR")
    monkeypatch.chdir(tmp_path)
    assert main(["data", "--folder", "stand-in"]) == 1  # a folder of that name
    assert f"expected in {tmp_path / 'stand-in'}" in capsys.readouterr().out
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert main(["data"]) == 1
    assert "use a drawn stand-in" in capsys.readouterr().out


def test_the_help_of_data_names_the_files(capsys):
    with pytest.raises(SystemExit):
        main(["data", "--help"])
    shown = capsys.readouterr().out
    assert all(f"{name}  {md5}" in shown for name, (md5, _) in files.FILES.items())
