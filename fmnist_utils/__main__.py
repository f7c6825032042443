"""The command line: `python -m fmnist_utils --help`."""

import signal
import sys

from fmnist_utils.cli import main

if __name__ == "__main__":
    # Batch systems stop a job with SIGTERM: end the notebook that runs, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old terminal's character set is no reason to stop
    sys.exit(main())
