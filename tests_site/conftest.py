"""The site that `make site` has built, a browser to look at it and at JupyterLab, and axe."""

import base64
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.glob("**/*.html")
    if "_static" not in path.parts
)
LESSONS = [f"notebooks/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "tools")]

# axe-core finds faults of accessibility. The version and what npm must hand out for it:
AXE = "4.14.1"
AXE_SHA512 = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not PAGES and any({"path", "lesson", "watched"} & {*item.fixturenames} for item in items):
        pytest.exit("There is no site in build/site: run `make site` first.", returncode=1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Whoever asks for `path` is called for every page, whoever asks for `lesson` for every lesson.
    if "path" in metafunc.fixturenames:
        metafunc.parametrize("path", PAGES)
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS)


@functools.cache
def parsed(path: str) -> BeautifulSoup:
    """A page of the site, as its file stands there."""
    return BeautifulSoup((SITE / path).read_text("utf-8"), "html.parser")


@dataclass
class Watched:
    """A browser's page that may read files only, and what went wrong on it."""

    page: object
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto((SITE / path).as_uri())

    def on_request(self, route) -> None:
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            self.faults.append(f"asked the network for {route.request.url}")
            route.abort()

    def on_message(self, message) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type} on the console: {message.text}")


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.skip("no Chromium here; install one, or say where it is in $CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser, request):
    """A new window: 1280 pixels wide and light, or as an indirect parameter says."""
    # Without motion, or axe might judge the colours of what is just fading in.
    settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    settings |= getattr(request, "param", {})
    context = browser.new_context(**settings)
    context.set_default_timeout(180_000)  # milliseconds: a machine that trains is slow with pages
    watched = Watched(context.new_page())
    context.route("**/*", watched.on_request)
    watched.page.on("console", watched.on_message)
    watched.page.on("pageerror", lambda error: watched.faults.append(f"error: {error}"))
    yield watched
    context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, from npm, checked by its hash."""
    folder = ROOT / "build" / "axe"
    archive = folder / f"axe-core-{AXE}.tgz"
    if not archive.exists():
        if not (npm := shutil.which("npm")):
            pytest.skip("no npm here to fetch axe-core")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", f"axe-core@{AXE}", "--pack-destination", str(folder)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm can't fetch axe-core: {done.stderr.strip().splitlines()[-1]}")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == AXE_SHA512, f"{archive} isn't axe-core {AXE}; remove it"
    with tarfile.open(archive) as files:
        return files.extractfile("package/axe.min.js").read().decode("utf-8")
