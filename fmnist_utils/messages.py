"""What a reader is told: what went wrong, in one sentence; how far it is, in one line."""

import sys


class CourseError(Exception):
    """Something that the reader can put right: one sentence says what, where and how."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback: in a notebook, too, one sentence is enough.
        return [f"{type(self).__name__}: {self}"]


class Line:
    """A line of text that `show` replaces and `close` leaves standing.

    In a notebook it is one output, updated through the display protocol: live in JupyterLab,
    one line in the stored file, no widget state. In a terminal it is rewritten with a carriage
    return; where output goes to a file only the last text is written.
    """

    def __init__(self) -> None:
        self._handle = None
        ipython = sys.modules.get("IPython")
        self._notebook = bool("ipykernel" in sys.modules and ipython and ipython.get_ipython())

    def show(self, text: str) -> None:
        if self._notebook:
            from IPython.display import display

            content = {"text/plain": text}
            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)
        elif sys.stdout.isatty():
            print(f"\r\x1b[K{text}", end="", flush=True)

    def close(self, text: str) -> None:
        if self._notebook or sys.stdout.isatty():
            self.show(text)
        if not self._notebook:
            print("" if sys.stdout.isatty() else text, flush=True)
