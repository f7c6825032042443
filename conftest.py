"""How pytest treats the notebooks: a cell after a failed one is skipped, stderr isn't compared."""

import pytest


def pytest_collectstart(collector: pytest.Collector) -> None:
    # nbval knows no option for this: what a library warns about differs between machines.
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    if item.fspath.ext == ".ipynb" and outcome.get_result().failed:
        item.parent.failed_cell = item.name


def pytest_runtest_setup(item: pytest.Item) -> None:
    if failed := getattr(item.parent, "failed_cell", ""):
        pytest.skip(f"{failed} failed before")
