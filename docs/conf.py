"""Sphinx's settings for the site (`make site`); tools/site.py prepares the pages and starts it.

Everything that a page needs lies in the site itself: it works from a folder, without a network.
"""

import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Fashion-MNIST, taught honestly"
author = "the course's authors"
copyright = "the course's authors. Code: MIT. Prose and figures: CC BY 4.0"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "lessons"]

# Of the notebooks, what was committed is shown. Nothing is executed.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "attrs_block", "colon_fence"]
# For links to sections, as the lessons' into the glossary, whose words are headings of level 3.
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]
# Formulae become MathML, which browsers know by themselves: no script is needed, only a font.
html_math_renderer = "mathml"

html_theme = "pydata_sphinx_theme"
html_title = project
html_use_index = False
templates_path = ["_templates"]
html_static_path = ["_static", str(files("ziamath.fonts") / "STIXTwoMath-Regular.ttf")]
html_css_files = ["site.css", "try/page.css"]
html_copy_source = False
html_show_sourcelink = False
# The summaries below search results are fetched, which browsers forbid for files in a folder.
html_show_search_summary = False
html_sidebars = {"**": ["lessons.html"]}
# Light or dark as the reader's system has it, until the button in the header is used.
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "Fashion-MNIST"},
    # The lessons stand in the column at the left, on every page; a second list would be noise.
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button.html"],
    "article_header_start": [],
    "primary_sidebar_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "search_bar_text": "Search the course",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
