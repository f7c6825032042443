"""How pytest treats the notebooks: a cell after a failed one is skipped, stderr isn't compared, and
a notebook's cells stay together."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    # With workers (-n), the cells of one notebook, or the tests of one file, go to one of them, in
    # the order of tests/conftest.py. Another way of sharing out must be asked for by name.
    chosen = config.option
    if getattr(chosen, "numprocesses", None) and chosen.dist == "no" and not chosen.distload:
        chosen.dist, chosen.loadscopereorder = "loadfile", False


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
