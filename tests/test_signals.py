"""Signals wait where something must not be left half done, and act everywhere else."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from fmnist_utils.messages import Held

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


def interrupt():
    signal.raise_signal(signal.SIGINT)


def write(done):
    with Held():
        interrupt()
        done.append("written")


def compute(done, early):
    with Held() as held:
        if early:
            interrupt()
        try:
            with held.taken():
                interrupt()
                done.append("computed")
        finally:
            interrupt()  # held again
            done.append("tidied up")


def write_inside(done):
    with Held():
        with Held() as held:
            interrupt()
            with held.taken():
                done.append("the outer one waits")
        done.append("to its end")


def test_held_signals_act_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        write(done)
    assert done == ["written"]
    with pytest.raises(KeyboardInterrupt):
        interrupt()


@pytest.mark.parametrize("early", [True, False])
def test_they_act_at_once_where_they_are_taken(early):
    done = []
    with pytest.raises(KeyboardInterrupt):
        compute(done, early)
    assert done == ["tidied up"]


def test_inside_one_another():
    done = []
    with pytest.raises(KeyboardInterrupt):
        write_inside(done)
    assert len(done) == 2


def test_what_ends_a_process_at_once_or_is_ignored_stays_so():
    before = signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Held():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) == before[1]
    finally:
        signal.signal(signal.SIGHUP, before[0])


def test_other_threads_hear_no_signals_and_hold_none():
    went = []

    def hold():
        with Held() as held, held.taken():
            went.append("through")

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert went == ["through"]


LOST = """
import signal, sys, time
from fmnist_utils.__main__ import run

class Freed:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def command():
    Freed()
    time.sleep(99)

sys.exit(run(command))
"""


def test_one_that_comes_while_an_object_is_freed_is_not_lost():
    ended = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (130, "\nstopped before the end\n")
