"""What all fault tests share: a seed for every random choice, and a table of what survived."""

import os
from collections import Counter

import pytest

SEED = int(os.environ.get("FAULT_SEED", "0"))
_tried: Counter[str] = Counter()


@pytest.fixture
def tally():
    """`tally(fault)` counts one more case that was survived, for the table at the end."""

    def count(fault: str) -> None:
        _tried[fault] += 1

    return count


def pytest_terminal_summary(terminalreporter):
    if _tried:
        terminalreporter.section(f"cases survived (FAULT_SEED={SEED})")
        for fault, number in _tried.items():
            terminalreporter.write_line(f"{number:5}  {fault}")
