"""What a reader is told: what went wrong, in one sentence; how far it is, in one line. And what a
reader tells a command that is running: signals that ask it to end, and leave no file half written.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Ctrl-C, a batch system, a terminal that is closed; Windows doesn't have them all.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
interruptions: list[int] = []  # the signal that has interrupted this process, if one has


class CourseError(Exception):
    """Something that the reader can put right: one sentence says what, where and how."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback: in a notebook, too, one sentence is enough.
        return [f"{type(self).__name__}: {self}"]


class Line:
    """A line of text that `show` replaces and `close` leaves standing.

    In a notebook it is one output, updated through the display protocol: live in JupyterLab,
    one line in the stored file, no widget state. In a terminal it is rewritten with a carriage
    return, and `clear`, or the end of a `with`, wipes it out: what is printed next has a line of
    its own. Where output goes to a file only the last text is written.
    """

    def __init__(self) -> None:
        self._handle = None
        ipython = sys.modules.get("IPython")
        self._notebook = bool("ipykernel" in sys.modules and ipython and ipython.get_ipython())

    def show(self, text: str) -> None:
        """Write this in the line's place; where a line can't be rewritten, nothing."""
        if self._notebook:
            from IPython.display import display

            content = {"text/plain": text}
            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)
        elif sys.stdout.isatty():  # what wraps can't be wiped out
            room = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:room]}", end="", flush=True)

    def close(self, text: str) -> None:
        """Write this in the line's place, to stay."""
        if self._notebook:
            self.show(text)
        else:
            print(f"\r\x1b[K{text}" if sys.stdout.isatty() else text, flush=True)

    def clear(self) -> None:
        """Wipe the line out, on a terminal."""
        if not self._notebook and sys.stdout.isatty():
            print("\r\x1b[K", end="", flush=True)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            self.clear()


def obey(signals: list[int]) -> None:
    """Let these signals do what Ctrl-C does, once: a closed terminal sends several, and a second
    one would interrupt the tidying up."""
    for number in signals:
        signal.signal(number, _interrupt)
    if hasattr(signal, "pthread_kill"):  # not on Windows
        sys.unraisablehook = _interrupt_again


def _interrupt(number: int, _: object) -> None:
    if not interruptions:
        interruptions.append(number)
        raise KeyboardInterrupt


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    # What comes while Python frees an object can't be raised there.
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
    elif interruptions:
        main = threading.main_thread().ident
        threading.Timer(0.05, lambda: signal.pthread_kill(main, interruptions.pop())).start()


def stop_if_interrupted() -> None:
    """Interrupt once more what a signal has interrupted in vain: libraries may take the exception
    for an error of their own, and go on."""
    if interruptions:
        raise KeyboardInterrupt


class Held:
    """Lets signals wait, so that nothing is left half done; within `taken` they act at once.

    with Held() as held:
        begin()
        with held.taken():
            compute()
        write()
    """

    # No generators as context managers: interrupted on their way out, those would do the rest at
    # any later time, when they are freed.

    def __init__(self) -> None:
        self._waiting: list[int] = []
        in_main = threading.current_thread() is threading.main_thread()  # others hear no signals
        known = {number: signal.getsignal(number) for number in SIGNALS if in_main}
        # What is ignored, or ends the process at once, has no handler.
        self._handlers = {number: known[number] for number in known if callable(known[number])}

    def __enter__(self) -> "Held":
        for number in self._handlers:
            signal.signal(number, lambda number, _: self._waiting.append(number))
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        while self._waiting:
            signal.raise_signal(self._waiting.pop())

    def taken(self) -> "_Taken":
        """For `with`: within it, signals act at once."""
        return _Taken(self.__exit__, self.__enter__)


class _Taken:
    def __init__(self, enter: Callable, leave: Callable) -> None:
        self._enter, self._leave = enter, leave

    def __enter__(self) -> None:
        try:
            self._enter()
        except BaseException:  # one that has waited
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        self._leave()
        stop_if_interrupted()  # whatever else has come of it


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` once all is written; if that fails, nothing is
    left of it. Its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
