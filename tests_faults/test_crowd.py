"""Many at once on one run store: no run corrupted or doubled, nobody waits for ever."""

import json

import pandas as pd
from test_kills import HERE, metrics, outcome, series, start, undisturbed  # noqa: F401

from fmnist_utils.models.backend import keras

SECONDS = 1500  # after which a process counts as stuck


def test_three_series_and_two_reproduce(undisturbed, tmp_path, tally):  # noqa: F811
    alone = series(tmp_path / "alone", tmp_path / "store of one")
    alone.communicate(timeout=SECONDS)
    store, reference = tmp_path / "store", tmp_path / "reference"
    crowd = [series(tmp_path / f"out{number}", store) for number in range(3)]
    crowd += [start([HERE / "driver.py", store, reference, 1], store) for _ in range(2)]
    said = [process.communicate(timeout=SECONDS)[0] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 5, said
    assert outcome(reference) == undisturbed[0]
    assert not pd.read_csv(reference / "results.csv").duplicated(["id", "seed"]).any()
    assert metrics(tmp_path / "store of one").items() <= metrics(store).items()
    left = [path.name for path in store.iterdir() if not (path / "run.json").exists()]
    assert left == []  # no half of a run, no checkpoint
    for file in store.glob("*/run.json"):
        record = json.loads(file.read_text())
        assert len(pd.read_csv(file.parent / "history.csv")) == record["epochs_run"]
        model = keras.models.load_model(file.parent / "model.keras")
        assert model.count_params() == record["parameters"]
    tally("many at once: three series and two reproduce on one store")
