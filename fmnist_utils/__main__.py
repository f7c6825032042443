"""The command line: `python -m fmnist_utils --help`."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from fmnist_utils.messages import SIGNALS, interruptions, obey


def run(command: Callable[[], int]) -> int:
    """What a command returns; 130 if a signal ended it.

    All three signals do what Ctrl-C does. What was ignored from the start (`nohup`) stays ignored.
    """
    obey([number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old terminal's character set is no reason to stop
    code = 130
    try:
        code = command()
        sys.stdout.flush()
        for number in SIGNALS:  # all is done: what comes now is too late
            signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("\nstopped before the end", file=sys.stderr)
    except Exception:
        if not interruptions:  # which may come as another error out of an import
            raise
    if interruptions:
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
