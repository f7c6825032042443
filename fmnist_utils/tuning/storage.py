"""Where the trials of a search are kept: an SQLite file, or a database server for many machines."""

import json
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

import optuna
import sqlalchemy

from fmnist_utils.data.places import absolute, run_store
from fmnist_utils.messages import CourseError, Held

# What may follow the ? of an SQLite file's address.
SQLITE_SETTINGS = {"uri", "mode", "cache", "immutable", "vfs", "nolock", "timeout"}
HEARTBEAT, GRACE = 10, 60  # seconds; a worker that is silent for so long has lost its trial


def open_study(
    storage: str | None,
    name: str,
    sampler: optuna.samplers.BaseSampler,
    pruner: optuna.pruners.BasePruner,
) -> optuna.Study:
    """The study of this name, made if need be.

    storage: as for `tuning.tune`.
    Raises CourseError if the storage can't be reached, or is something else's.
    """
    try:
        url = _address(storage)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(url)
        tables = set(sqlalchemy.inspect(engine).get_table_names())
        engine.dispose()
        if tables and not tables & {"studies", "version_info"}:
            raise RuntimeError(f"it has the tables of something else, {', '.join(sorted(tables))}")
        with Held():
            kept = _tables_made(url)
        return optuna.create_study(
            storage=kept,
            sampler=sampler,
            pruner=pruner,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
        )
    except (
        sqlalchemy.exc.SQLAlchemyError,
        optuna.exceptions.OptunaError,
        ImportError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        address = storage or "tuning.db"
        shown = "the storage" if "@" in address else address  # it may hold a password
        why = str(error).splitlines()[0]
        raise CourseError(
            f"{shown} can't be used as a storage of trials ({why}); give an address "
            "such as sqlite:///search.db or postgresql://user@host/database."
        ) from None


def _address(storage: str | None) -> sqlalchemy.URL:
    """The storage's address; a file's by its absolute path, whatever letters are in that."""
    if storage is None:
        run_store().mkdir(parents=True, exist_ok=True)
        return sqlalchemy.URL.create("sqlite", database=str(run_store() / "tuning.db"))
    url = sqlalchemy.make_url(storage)
    if not url.drivername.startswith("sqlite"):
        return url
    asked = parse_qsl(storage.partition("?")[2], keep_blank_values=True)
    if unknown := {name for name, _ in asked} - SQLITE_SETTINGS:
        raise ValueError(f"{min(unknown)!r} is no setting of SQLite; write %3F for a ? in a name")
    if url.database in (None, "", ":memory:") or url.database.startswith("file:"):
        return url
    return url.set(database=str(absolute(url.database, "--storage")))


@contextmanager
def unwarned() -> Iterator[None]:
    """Without Optuna's warnings that heartbeats are experimental (since 2021)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _tables_made(url: sqlalchemy.URL) -> optuna.storages.RDBStorage:
    """Optuna's storage, its tables made if need be."""
    for attempt in range(10):
        try:
            with unwarned():
                return optuna.storages.RDBStorage(
                    url.render_as_string(hide_password=False),
                    heartbeat_interval=HEARTBEAT,
                    grace_period=GRACE,
                    heartbeat_stale_trial_callback=(
                        optuna.storages.RetryHeartbeatStaleTrialCallback()
                    ),
                )
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError) as error:
            # Another worker, started at the same moment, makes them: then they are there soon.
            others = any(word in str(error).lower() for word in ("already exists", "unique"))
            if not others or attempt == 9:
                raise
            time.sleep(0.3)
    raise AssertionError("the last attempt returns or raises")


def password_warning(storage: str | None) -> str:
    """A word of warning where a database server is entered without a password; else ""."""
    try:
        url = sqlalchemy.make_url(storage or "sqlite://")
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return ""  # `open_study` says so
    known = url.password or os.environ.get("PGPASSWORD") or os.environ.get("PGPASSFILE")
    if url.drivername.startswith("sqlite") or known:
        return ""
    return (
        f"warning: {url.host or 'the server'} is entered without a password; whoever reaches "
        "it can read and change this study."
    )


def refuse_other_settings(study: optuna.Study, made_with: dict) -> None:
    """Mark a new study with what determines its trials; refuse one that has other marks."""
    known = study.user_attrs.get("made with")
    if known is None and not study.trials:
        study.set_user_attr("made with", made_with)
    elif known != json.loads(json.dumps(made_with)):
        differs = [name for name in made_with if (known or {}).get(name) != made_with[name]]
        raise CourseError(
            f"The storage has a study {study.study_name} already, made with other "
            f"{' and '.join(differs) or 'settings'}; choose another name or storage."
        )
