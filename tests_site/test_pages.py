"""What stands in the site's files, read without a browser."""

import json
import re
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from conftest import LESSONS, PAGES, ROOT, SITE, parsed


def source(lesson):
    return nbformat.read(ROOT / lesson.replace(".html", ".ipynb"), as_version=4)


def folded(cell):
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def test_every_lesson_has_its_page():
    assert LESSONS
    assert set(LESSONS) <= set(PAGES)


def test_links_lead_somewhere(path):
    targets = [tag.get("href") or tag.get("src") for tag in parsed(path).find_all(["a", "img"])]
    assert targets
    for target in filter(None, targets):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            assert parts.scheme == "https", target
            continue
        file = ((SITE / path).parent / unquote(parts.path)).resolve() if parts.path else SITE / path
        assert file.is_relative_to(SITE), target
        assert file.is_file(), target
        if parts.fragment:
            page = parsed(file.relative_to(SITE).as_posix())
            assert page.find(id=unquote(parts.fragment)), target


def test_nothing_is_loaded_from_elsewhere(path):
    for tag in parsed(path).find_all(["script", "link", "img", "iframe", "source"]):
        assert not urlsplit(tag.get("src") or tag.get("href") or "").netloc, tag


def test_styles_load_nothing_from_elsewhere():
    elsewhere = re.compile(r"(url\(|@import)\s*['\"]?(https?:)?//")
    for path in SITE.rglob("*.css"):
        assert not elsewhere.search(path.read_text("utf-8")), path


def test_pictures_have_alternative_texts(path):
    for picture in parsed(path).find_all("img"):
        assert len(picture.get("alt", "")) > 15, picture
        assert not re.search(r"\.png|<Figure", picture["alt"])


def test_every_figure_is_there(lesson):
    outputs = [o for cell in source(lesson).cells for o in cell.get("outputs", [])]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    shown = parsed(lesson).select(".cell_output img")
    assert len(shown) == len(figures) > 0
    # A text that serves for two figures tells neither from the other.
    assert len({picture["alt"] for picture in shown}) == len(figures)


def test_code_is_shown_and_solutions_are_folded(lesson):
    page, cells = parsed(lesson), source(lesson).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    solutions, results = (
        page.select(f"details.hide.{at}") for at in ("above-input", "below-input")
    )
    assert len(solutions) == sum(map(folded, code)) >= 4
    hidden = [cell for cell in code if cell.metadata.get("jupyter", {}).get("outputs_hidden")]
    to_predict = [cell for cell in hidden if not folded(cell)]  # a solution is folded as a whole
    assert len(results) == len(to_predict) > 0
    assert not [details for details in solutions + results if details.has_attr("open")]
    # Of a copy that was built under its own name, the cell for Colab says so.
    named = re.search(r"/gh/([^/]+/[^/]+)/", page.select_one(".launch a")["href"])[1]
    visible = [tag for tag in page.select(".cell_input") if not tag.find_parent("details")]
    assert [tag.get_text().strip() for tag in visible] == [
        cell.source.strip().replace("OWNER/REPOSITORY", named) for cell in code if not folded(cell)
    ]


def test_formulae_are_mathml(lesson):
    markdown = "".join(cell.source for cell in source(lesson).cells if cell.cell_type == "markdown")
    assert bool(parsed(lesson).find("math")) == ("$" in re.sub(r"`[^`]*`", "", markdown))
    assert "$" not in "".join(tag.get_text() for tag in parsed(lesson).select("section > p"))


def test_links_to_binder_colab_and_the_notebook(lesson):
    name = lesson.removeprefix("notebooks/").replace(".html", ".ipynb")
    binder, colab, file, *more = (link["href"] for link in parsed(lesson).select(".launch a"))
    assert more == (["../try.html"] if name[:2] in ("04", "06", "07", "08", "09") else [])
    assert re.fullmatch(
        r"https://mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/HEAD\?urlpath=lab/tree/notebooks/"
        + re.escape(name),
        binder,
    )
    assert re.fullmatch(
        r"https://colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/HEAD/notebooks/"
        + re.escape(name),
        colab,
    )
    named = re.search(r"/gh/([^/]+/[^/]+)/", binder)[1]
    downloaded = (SITE / "notebooks" / file).read_text("utf-8")
    assert downloaded == (ROOT / "notebooks" / name).read_text("utf-8").replace(
        "OWNER/REPOSITORY", named
    )


def test_lists_of_lessons_are_on_every_page(path):
    links = parsed(path).select("nav[aria-label=Lessons] a")
    assert len(links) > len(LESSONS)


@pytest.mark.parametrize("lock", ["docs/requirements.lock", "tests_site/requirements.lock"])
def test_locks_hold_hashes_and_no_addresses(lock):
    text = (ROOT / lock).read_text("utf-8")
    pins = re.findall(r"^[a-z0-9.-]+==.*\n.*$", text, re.M)
    assert pins
    assert all(re.search(r" \\\n    --hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    assert "://" not in text
    assert "--index" not in text


def test_tests_use_versions_of_the_site():
    def pins(path):
        return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", (ROOT / path).read_text(), re.M))

    site, tests = pins("docs/requirements.lock"), pins("tests_site/requirements.lock")
    assert {name: tests[name] for name in tests.keys() & site.keys()} == {
        name: site[name] for name in tests.keys() & site.keys()
    }


def test_search_knows_the_lessons():
    index = (SITE / "searchindex.js").read_text("utf-8")
    content = json.loads(index.removeprefix("Search.setIndex(").rstrip().rstrip(")"))
    assert {path.removesuffix(".html") for path in LESSONS} <= set(content["docnames"])
