"""Several trainings at a time, each in a process of its own."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, redirect_stdout
from functools import cache
from multiprocessing.connection import wait as wait_for_end

from fmnist_utils import data
from fmnist_utils.data import Dataset, places
from fmnist_utils.messages import CourseError, Held, obey, stop_if_interrupted
from fmnist_utils.profiles import Profile
from fmnist_utils.runs.files import Run
from fmnist_utils.runs.store import train
from fmnist_utils.training import Recipe


def train_all(
    todo: list[tuple[Recipe, int]],
    dataset: Dataset,
    profile: Profile,
    jobs: int,
    waiting_for: Callable[[], None] = lambda: None,
) -> Iterator[Run]:
    """Train recipes with seeds, `jobs` of them at a time; the runs, each as soon as it is there.

    Several jobs load the data themselves, as `data.load` does; for the rest see `each`.
    """
    if jobs == 1:
        for recipe, seed in todo:
            yield train(recipe, dataset, profile, seed)
        return
    tasks = [(recipe, profile, seed) for recipe, seed in todo]
    yield from each(_train, tasks, jobs, waiting_for)


def each(
    function: Callable,
    tasks: list[tuple],
    jobs: int,
    waiting_for: Callable[[], None] = lambda: None,
) -> Iterator:
    """What a function returns for each tuple of arguments, in the order in which it is ready.

    `jobs` calls run at a time, in processes of their own, each with its share of the cores.
    function: of a module. waiting_for: called every second meanwhile.
    Raises CourseError if such a process is ended from outside.
    """
    # TensorFlow reads this when it starts, in the new processes.
    before = os.environ.get("TF_NUM_INTRAOP_THREADS")
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, places.cores() // jobs))
    strangers = set(multiprocessing.active_children())
    with _heard_here_alone():  # a first helper is started
        pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _end_with_the_first)
    try:
        with Held(), _heard_here_alone():  # and now the others
            waiting: set[Future] = {pool.submit(_interruptible, function, *task) for task in tasks}
        while waiting:
            stop_if_interrupted()  # an import may have taken the exception for its own
            ready, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
            waiting_for()
        with Held():
            pool.shutdown()
    except BaseException as error:
        own = set(multiprocessing.active_children()) - strangers
        for process in own:
            process.terminate()  # what it has kept of its training stays
        for process in own:
            process.join()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise CourseError(
                "A training process was ended from outside, perhaps for want of memory; what is "
                "finished is kept. Start again, with fewer --jobs."
            ) from None
        raise
    finally:
        if before is None:
            del os.environ["TF_NUM_INTRAOP_THREADS"]
        else:
            os.environ["TF_NUM_INTRAOP_THREADS"] = before


@contextmanager
def _heard_here_alone() -> Iterator[None]:
    """Let processes that are started here never hear what a terminal tells them all: the first one
    passes it on, by SIGTERM."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_the_first() -> None:
    """Let a new process end with the first one, should that be killed: nobody would ever ask for
    what is left to do."""

    def wait() -> None:
        wait_for_end([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _interruptible(function: Callable, *task: object) -> object:
    """Call a function. SIGTERM ends the process: at once, but while it is in the function only
    when that has tidied up, as at Ctrl-C."""
    try:
        try:
            obey([signal.SIGTERM])
            return function(*task)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            stop_if_interrupted()
    except KeyboardInterrupt:
        os._exit(130)


_data = cache(data.load)


def _train(recipe: Recipe, profile: Profile, seed: int) -> Run:
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        return train(recipe, _data(profile), profile, seed)
