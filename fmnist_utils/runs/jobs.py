"""Several trainings at a time, each in a process of its own."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from functools import cache
from multiprocessing.connection import wait as wait_for_end

from fmnist_utils import data
from fmnist_utils.data import Dataset, places
from fmnist_utils.messages import CourseError
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
    function: of a module. waiting_for: called every few seconds meanwhile.
    Raises CourseError if such a process is ended from outside.
    """
    # TensorFlow reads this when it starts, in the new processes.
    before = os.environ.get("TF_NUM_INTRAOP_THREADS")
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(max(1, places.cores() // jobs))
    strangers = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start_worker)
    try:
        waiting: set[Future] = {pool.submit(_unless_stopped, function, *task) for task in tasks}
        while waiting:
            ready, waiting = wait(waiting, timeout=5, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
            waiting_for()
        pool.shutdown()
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        own = set(multiprocessing.active_children()) - strangers
        for process in own:
            process.terminate()  # what it has kept of its training stays
        for process in own:
            process.join()
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


_stopped = False


def _start_worker() -> None:
    """Prepare a new process: asked to stop, it ends its training as Ctrl-C does, and starts no
    other.

    And it ends with the first process, should it be killed: nobody would ever ask for the rest.
    """

    def stop(*_: object) -> None:
        global _stopped
        if not _stopped:
            _stopped = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process passes it on

    def end_with_the_first() -> None:
        wait_for_end([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=end_with_the_first, daemon=True).start()


def _unless_stopped(function: Callable, *task: object) -> object:
    if _stopped:
        sys.exit()
    return function(*task)


_data = cache(data.load)


def _train(recipe: Recipe, profile: Profile, seed: int) -> Run:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        return train(recipe, _data(profile), profile, seed)
