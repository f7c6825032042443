"""The command line: `python -m fmnist_utils --help`."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a batch system, a terminal that is closed


def run(command: Callable[[], int]) -> int:
    """What a command returns; 130 if a signal ended it.

    All three signals do what Ctrl-C does, once: a closed terminal sends several, and a second one
    would interrupt the tidying up. What was ignored from the start (`nohup`) stays ignored.
    """
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    came = []

    def stop(number: int, _: object) -> None:
        if not came:
            came.append(number)
            raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, stop)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old terminal's character set is no reason to stop
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("\nstopped before the end", file=sys.stderr)
    except OSError:
        if not came:
            raise
    if came:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(130)  # Python would wait for what is left, and write to a terminal that is gone
    return code


def _main() -> int:
    from fmnist_utils.cli import main  # here, so that a signal finds everything prepared

    return main()


if __name__ == "__main__":
    sys.exit(run(_main))
