"""The one kind of error that a reader can put right."""


class CourseError(Exception):
    """Something that the reader can put right: one sentence says what, where and how."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of a traceback: in a notebook, too, one sentence is enough.
        return [f"{type(self).__name__}: {self}"]
