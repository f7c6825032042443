"""The site in a real browser, opened from its folder with the network shut off."""

import pytest

DARK = {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 360, "height": 740}}
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def choose(page, mode):
    page.locator("header .theme-switch-button").click()
    page.locator(f"header .theme-change-button[data-mode={mode}]").click()


def faults_found_by_axe(page, axe):
    page.evaluate(axe)
    # Not to preload: it would ask for the style sheets, which a page from a folder may not do.
    found = page.evaluate("levels => axe.run(document, {runOnly: levels, preload: false})", LEVELS)
    return [
        f"{fault['id']}: {place['target']} {place['failureSummary']}"
        for fault in found["violations"]
        for place in fault["nodes"]
    ]


def test_opens_from_a_folder_without_network_or_errors(watched, path):
    watched.open(path)
    assert watched.page.locator("h1").count() == 1
    # Every picture, as those far below are loaded when they come into sight only.
    unseen = watched.page.evaluate("""Promise.all([...document.images].map(
        image => (image.loading = 'eager', image.decode().then(() => '', () => image.src))))""")
    assert not any(unseen)
    assert watched.faults == []


@pytest.mark.parametrize("watched", [PHONE], indirect=True)
def test_readable_on_a_phone(watched, path):
    watched.open(path)
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # Nor is a text cut off at the edge.
    cut = page.evaluate("""[...document.querySelectorAll('article :is(h1, h2, p, li, summary)')]
        .filter(e => !e.closest('pre, table') && e.getBoundingClientRect().right > 360)
        .map(e => e.textContent)""")
    assert cut == []
    small = page.evaluate("""[...document.querySelectorAll('article :is(p, li, td, th, pre)')]
        .filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.outerHTML)""")
    assert small == []


@pytest.mark.parametrize("watched", [PHONE], indirect=True)
def test_wide_tables_scroll_in_their_own_box(watched, lesson):
    watched.open(lesson)
    boxes = watched.page.evaluate("""[...document.querySelectorAll('article table')].map(
        table => table.parentElement.closest('.output, .pst-scrollable-table-container')).map(
        box => [box.scrollWidth > box.clientWidth, getComputedStyle(box).overflowX, box.tabIndex])
    """)
    wide = [box for box in boxes if box[0]]
    assert wide or lesson.endswith("09_take_home.html")  # whose tables are narrow
    assert all(overflow == "auto" and index == 0 for _, overflow, index in wide)


def test_search_finds_a_word(watched):
    watched.open("index.html")
    watched.page.keyboard.press("Control+k")
    watched.page.keyboard.type("calibrated")
    watched.page.keyboard.press("Enter")
    found = watched.page.locator("#search-results ul.search a", has_text="The scoreboard")
    found.first.click()
    assert "/notebooks/07_scoreboard.html" in watched.page.url
    assert watched.faults == []


def test_dark_mode_can_be_chosen_and_stays(watched):
    watched.open("index.html")
    light = background(watched.page)
    choose(watched.page, "dark")
    dark = background(watched.page)
    assert dark != light
    watched.open("notebooks/01_data.html")
    assert background(watched.page) == dark
    choose(watched.page, "light")
    assert background(watched.page) == light


@pytest.mark.parametrize("watched", [DARK], indirect=True)
def test_dark_mode_follows_the_system(watched):
    watched.open("index.html")
    dark = background(watched.page)
    watched.page.emulate_media(color_scheme="light")
    watched.open("index.html")
    assert background(watched.page) != dark


def test_solutions_open_at_a_click(watched):
    watched.open("notebooks/04_conv2d.html")
    solution = watched.page.locator("details.hide.above-input").first
    assert not solution.locator(".cell_input").is_visible()
    solution.locator("summary").click()
    assert solution.locator(".cell_input").is_visible()
    assert "right!" in solution.locator(".cell_output").inner_text()


@pytest.mark.parametrize(
    "watched", [{}, DARK, PHONE], indirect=True, ids=["light", "dark", "phone"]
)
def test_no_fault_of_accessibility(watched, axe, path):
    watched.open(path)
    watched.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    # What opens fades in: half faded, its colours would have too little contrast.
    watched.page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
    assert faults_found_by_axe(watched.page, axe) == []


@pytest.mark.parametrize("watched", [PHONE, PHONE | DARK], indirect=True, ids=["light", "dark"])
@pytest.mark.parametrize("button", ["Site navigation", "On this page", "Search"])
def test_no_fault_of_accessibility_in_what_opens(watched, axe, button):
    watched.open("notebooks/04_conv2d.html")
    watched.page.get_by_role("button", name=button, exact=True).click()
    assert watched.page.locator("dialog[open]").is_visible()
    assert faults_found_by_axe(watched.page, axe) == []
