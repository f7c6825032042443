"""The environment changes no result and no folder: whatever is set, the same numbers come, in the
folder that was meant, or one sentence says what to set."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_utils import CourseError, runs
from fmnist_utils.cli import doctor, main
from fmnist_utils.data import places

ROOT = Path(__file__).parents[1]

# Two trainings of the course's and one of plain Keras, as weights; and what else a lesson sees.
PROBE = """
import hashlib, json, os
import numpy as np
from fmnist_utils import training
from fmnist_utils.data import ImageSet, Splits, places
from fmnist_utils.profiles import PROFILES
from fmnist_utils.runs import files
from fmnist_utils.training import Recipe
import keras, tensorflow as tf

rng = np.random.default_rng(0)
some = ImageSet(rng.integers(0, 256, (96, 28, 28), np.uint8), rng.integers(0, 10, 96, np.uint8))
splits = Splits(some, some.take(np.arange(32)), some)
found = {}
for name, options in {
    "conv2d": dict(filters=(8, 16), pools=2, conv_dropouts=0.2, dense=(16,), batch_norm=True),
    "conv1d": dict(filters=(8, 8), dropouts=(0.1, 0.1)),
}.items():
    recipe = Recipe(name, name, options, validation="first 5,000", changes=dict(rotation=9.0))
    model, history = training.fit(recipe, splits, 1, 0)
    found[name] = [*model.get_weights(), history.val_accuracy.to_numpy()]
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
model.compile("adam", "mse")
model.fit(some.images / 255, np.eye(10)[some.labels], epochs=2, verbose=0)
found["plain"] = model.get_weights()


def digest(arrays):
    return hashlib.md5(b"".join(a.tobytes() + str(a.dtype).encode() for a in arrays)).hexdigest()


print(json.dumps({name: digest(arrays) for name, arrays in found.items()} | {
    "backend": keras.config.backend(),
    "legacy": keras.__version__ == tf.keras.__version__,
}))
print(json.dumps([str(places.data_folder()), str(places.run_store())]))
"""

WRONG = {
    "KERAS_BACKEND": "torch",
    "KERAS_MAX_EPOCHS": "1",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KERAS_NNX_ENABLED": "true",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_SET_ONEDNN_FPMATH_MODE": "BF16",
    "TF_DETERMINISTIC_OPS": "0",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "TF_DISABLE_MKL": "1",
    "TF2_BEHAVIOR": "0",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "NVIDIA_TF32_OVERRIDE": "1",
    "TF_NUM_INTEROP_THREADS": "-1",
    "OMP_NUM_THREADS": "3",
    "PYTHONHASHSEED": "77",
    "PYTHONOPTIMIZE": "1",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LANG": "tr_TR.UTF-8",
    "TZ": "Pacific/Chatham",
    "MPLBACKEND": "TkAgg",
    "MATPLOTLIBRC": "nowhere",
}
JSON = {
    "floatx": "float16",
    "epsilon": 0.1,
    "image_data_format": "channels_first",
    "backend": "jax",
}


def probe(folder, settings, **environment):
    """What PROBE prints, started in `folder`, where Keras's home is `kh`."""
    home = folder / "kh"
    home.mkdir(parents=True)
    (home / "keras.json").write_text(json.dumps(settings))
    given = {name: value for name, value in os.environ.items() if not name.startswith("FMNIST_")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=folder,
        env=given | {"TF_NUM_INTRAOP_THREADS": "1", "PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()[-2:]]


@pytest.mark.long
def test_nothing_that_is_set_changes_a_result(tmp_path):
    right, _ = probe(tmp_path / "a", {}, KERAS_HOME=str(tmp_path / "a" / "kh"))
    assert right["backend"] == "tensorflow"
    wrong, where = probe(
        tmp_path / "b", JSON, **WRONG, KERAS_HOME="kh", FMNIST_RUNS_DIR="my runs/#1"
    )
    assert wrong == right
    # And folders are absolute from the start on.
    here = tmp_path / "b"
    assert where == [str(here / "kh/datasets/fashion-mnist"), str(here / "my runs/#1")]


def test_what_is_ignored_is_said_by_doctor(monkeypatch, tmp_path, capsys):
    for name, value in WRONG.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(json.dumps(JSON))
    (also_fine, also), (fine, text) = doctor._settings()
    assert fine
    assert also_fine
    left = {"TF2_BEHAVIOR", "OMP_NUM_THREADS", "PYTHONHASHSEED", "PYTHONOPTIMIZE", "LC_ALL", "LANG"}
    left |= {"PYTHONUTF8", "PYTHONCOERCECLOCALE", "TZ", "MPLBACKEND", "MATPLOTLIBRC"}
    assert all(name in text for name in WRONG.keys() - left)
    assert not any(name in text for name in left)
    assert "floatx float16, epsilon 0.1, image_data_format channels_first, backend jax" in also


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("KERAS_BACKEND", "jax", "tensorflow"),
        ("KERAS_BACKEND", "", "tensorflow"),
        ("TF_ENABLE_ONEDNN_OPTS", "1", None),
        ("TF_CUDNN_USE_AUTOTUNE", "0", None),
        ("TF_FP16_CONV_USE_FP32_COMPUTE", "0", None),
        ("TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL", "UNSAFE_FORCE_ALL", None),
        ("KERAS_MAX_EPOCHS", "2", None),
        ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/cuda --xla_fast", "--xla_gpu_cuda_data_dir=/cuda"),
        ("XLA_FLAGS", "--xla_backend_optimization_level=0", None),
        ("TF_NUM_INTRAOP_THREADS", "many", None),
        ("TF_NUM_INTEROP_THREADS", "0", None),
    ],
)
def test_what_would_change_results_is_ignored(name, value, instead, monkeypatch):
    monkeypatch.setenv(name, value)
    assert places.ignored_settings()[name] == instead


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KERAS_BACKEND", "tensorflow"),
        ("KERAS_HOME", "keras-home"),
        ("TF_NUM_INTRAOP_THREADS", "2"),
        ("TF_NUM_INTEROP_THREADS", "8"),
        ("TF_CPP_MIN_LOG_LEVEL", "0"),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
        ("TF_GPU_ALLOCATOR", "cuda_malloc_async"),
        ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/usr/lib/cuda"),
        ("CUDA_VISIBLE_DEVICES", "1"),
        # Terraform's, whose users have other things in mind.
        ("TF_CLI_CONFIG_FILE", "terraform.rc"),
        ("TF_VAR_region", "here"),
    ],
)
def test_what_belongs_to_the_machine_is_left(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    assert name not in places.ignored_settings()


def test_the_cores_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert places.cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert places.cores() == 64


BAD_JSON = {
    '{"floatx": "bfloat16"}': "floatx",
    '{"floatx": "float8", "epsilon": 1}': "floatx float8 and epsilon 1 in",
    '{"image_data_format": "channels"}': "image_data_format",
    "[1, 2]": "names no settings",
    "null": "names no settings",
    '{"floatx": ["float32"]}': "floatx",
}


@pytest.mark.parametrize("content", BAD_JSON)
def test_settings_with_which_keras_does_not_start(content, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(content)
    with pytest.raises(CourseError) as error:
        list(doctor._settings())
    assert str(tmp_path / "keras.json") in str(error.value)
    assert BAD_JSON[content] in str(error.value)
    assert str(error.value).endswith("delete it.")


def test_a_file_of_settings_that_can_not_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").mkdir()
    with pytest.raises(CourseError, match="keras.json can't be read .*: correct or delete it"):
        places.keras_settings()


@pytest.mark.parametrize("content", ["{", "", "{}", '{"floatx": "float32", "epsilon": 1e-07}'])
def test_settings_that_are_well(content, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(content)
    assert list(doctor._settings()) == []


def test_the_lesson_refuses_them_in_one_sentence_too(tmp_path):
    (tmp_path / "keras.json").write_text('{"floatx": "bfloat16"}')
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "show", "cnn-basic"],
        cwd=ROOT,
        env=os.environ | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: Keras can't start with floatx bfloat16 in ")


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (
            "os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'; sys.modules['tensorflow'] = types",
            "TF_ENABLE_ONEDNN_OPTS",
        ),
        (
            "sys.modules['keras'] = types.SimpleNamespace(config=types.SimpleNamespace("
            "backend=lambda: 'jax'))",
            "with jax",
        ),
    ],
    ids=["tensorflow", "keras"],
)
def test_what_was_started_before_with_other_settings_is_refused(before, says):
    code = f"import os, sys, types; {before}; import fmnist_utils.models.backend"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    *_, last = done.stderr.splitlines()
    assert last.startswith("fmnist_utils.messages.CourseError: ")
    assert says in last
    assert "restart the kernel" in last


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, a working folder, and no folder named in the environment."""
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    for variable in places.FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


@pytest.fixture
def no_home(home, monkeypatch):
    """Neither HOME nor an entry in the list of users."""

    def getpwuid(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", getpwuid)
    monkeypatch.setattr(pwd, "getpwnam", getpwuid)


def test_usual_folders(home):
    assert places.data_folder() == home / ".keras" / "datasets" / "fashion-mnist"
    assert places.run_store() == home / ".fmnist-course" / "runs"
    assert places.keras_json() == home / ".keras" / "keras.json"


NAMES = {
    "kept": "{work}/kept",
    "./a b/ü 運": "{work}/./a b/ü 運",
    "q?x#y%20z": "{work}/q?x#y%20z",
    "~": "{home}",
    "~/ключ": "{home}/ключ",
    "/abs": "/abs",
    "../up": "{work}/../up",
    "not~home": "{work}/not~home",
    "-": "{work}/-",
}


@pytest.mark.parametrize("name", NAMES)
def test_named_folders_are_made_absolute_once(name, home, tmp_path, monkeypatch):
    meant = Path(NAMES[name].format(work=tmp_path / "work", home=home))
    for variable in places.FOLDERS:
        monkeypatch.setenv(variable, name)
    assert (places.data_folder(), places.run_store()) == (meant, meant)
    assert places.keras_json() == meant / "keras.json"
    assert places.absolute(name, "--out") == meant
    places.settle()
    assert {os.environ[variable] for variable in places.FOLDERS} == {str(meant)}
    os.chdir("/")
    places.settle()
    assert (places.data_folder(), places.run_store()) == (meant, meant)


def test_a_relative_home_of_keras_holds_the_data(home, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", "kh")
    assert places.data_folder() == tmp_path / "work/kh/datasets/fashion-mnist"


def test_the_stand_in_is_no_folder_and_nothing_is_nowhere(home, monkeypatch):
    monkeypatch.setenv("FMNIST_DATA_DIR", "stand-in")
    monkeypatch.setenv("FMNIST_RUNS_DIR", "")
    monkeypatch.setenv("KERAS_HOME", "")
    places.settle()
    assert os.environ["FMNIST_DATA_DIR"] == "stand-in"
    assert "KERAS_HOME" not in os.environ  # Keras would read the working folder's keras.json
    assert places.run_store() == home / ".fmnist-course" / "runs"


REFUSED = {
    " /data": "spaces at its ends",
    "/data ": "spaces at its ends",
    "  ": "spaces at its ends",
    "/a\nb": "line breaks",
    "/a\tb": "line breaks",
    "https://host/data": "is an address",
    "~nobody-of-this-name/data": "needs a home folder",
    "/" + "x" * 300: "too long",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("variable", places.FOLDERS)
def test_what_can_not_be_a_folder_is_refused_with_its_variable(name, variable, home, monkeypatch):
    monkeypatch.setenv(variable, name)
    for act in (places.settle, runs.run_store if "RUNS" in variable else places.data_folder):
        with pytest.raises(CourseError) as error:
            act()
        assert f"{variable}={name!r}" in str(error.value)
        assert REFUSED[name] in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("variable", places.FOLDERS)
def test_doctor_and_the_commands_refuse_the_same(variable, home, monkeypatch, capsys):
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    assert main(["doctor"]) == 1
    assert f"!! {variable}='~nobody-of-this-name/x'" in capsys.readouterr().out
    assert main(["data"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {variable}='~nobody-of-this-name/x'")


@pytest.mark.parametrize("home_is", [None, "", "relative"])
def test_without_a_home_one_sentence_names_the_variables(home_is, no_home, monkeypatch, capsys):
    if home_is is not None:
        monkeypatch.setenv("HOME", home_is)
    for act in (places.data_folder, places.run_store, runs.run_store):
        with pytest.raises(CourseError, match="FMNIST_DATA_DIR and FMNIST_RUNS_DIR"):
            act()
    assert main(["doctor"]) == 1
    told = [line for line in capsys.readouterr().out.splitlines() if "home folder" in line]
    assert [line[:26] for line in told[:2]] == ["!! There is no home folder"] * 2
    assert main(["data"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no home folder")
    monkeypatch.setenv("FMNIST_RUNS_DIR", "~/runs")
    with pytest.raises(CourseError, match="FMNIST_RUNS_DIR='~/runs' needs a home folder"):
        places.run_store()


def test_without_a_home_the_two_variables_are_enough(no_home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "data"))
    assert places.run_store() == tmp_path / "runs"
    assert main(["data"]) == 1
    main(["doctor"])
    told = [line for line in capsys.readouterr().out.splitlines() if "home folder" in line]
    assert told == ["!! Jupyter needs a home folder: set HOME to a folder that you may write to"]


def test_a_working_folder_that_is_gone(home, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setenv("FMNIST_RUNS_DIR", "runs")
    with pytest.raises(CourseError, match="a working folder that isn't there any more"):
        places.run_store()
    monkeypatch.setenv("FMNIST_RUNS_DIR", str(tmp_path))
    assert places.run_store() == tmp_path


@pytest.mark.parametrize("name", ["d a", "~/d", "d?#%"])
def test_the_option_folder(name, home, capsys):
    assert main(["data", "--folder", name]) == 1
    assert f"expected in {places.absolute(name, '')}" in capsys.readouterr().out


def test_the_option_folder_refused(home, capsys):
    assert main(["data", "--folder", "~nobody-of-this-name"]) == 2
    assert capsys.readouterr().err.startswith("error: --folder='~nobody-of-this-name'")
