"""A Sphinx extension: how the committed notebooks become pages.

Worked solutions fold, every figure gets its alternative text, formulae become MathML, and below
the title stand the places where the lesson can be run. The notebooks' files are left as they are.
"""

import re
from html import escape

import nbformat
from docutils import nodes
from latex2mathml.converter import convert
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

PLACEHOLDER = "OWNER/REPOSITORY"


def prepare(notebook: nbformat.NotebookNode, name: str, repository: str) -> nbformat.NotebookNode:
    """The notebook as the site shows it (the same object, changed).

    name: its file, such as 01_data.ipynb. repository: owner/name on GitHub, as which every cell
    then knows the copy.
    """
    for cell in notebook.cells:
        cell.source = cell.source.replace(PLACEHOLDER, repository)
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata.tags = [*cell.metadata.tags, "hide-cell"]
            exercise = re.search(r'exercises\.check\("([\d.]+)"', cell.source)
            cell.metadata.mystnb = {"code_prompt_show": f"Worked solution of {exercise[1]}"}
        elif cell.metadata.get("jupyter", {}).get("outputs_hidden"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-output"]
            cell.metadata.mystnb = {"code_prompt_show": "What comes out"}
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{launch_links(name, repository)}\n{rest}"
    return notebook


def launch_links(name: str, repository: str) -> str:
    """A paragraph of Markdown: where the notebook can be run."""
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks/{name}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/HEAD/notebooks/{name}"
    links = f"[on Binder]({binder}) · [on Colab]({colab}) · "
    links += f"{{download}}`download the notebook <{name}>`"
    if name[:2] in ("04", "06", "07", "08", "09"):
        links += " · [play with a trained network](../try.md)"
    return f"{{.launch}}\nRun this lesson: {links}"


def _on_source_read(app: Sphinx, docname: str, content: list[str]) -> None:
    path = app.env.doc2path(docname)
    if path.suffix == ".ipynb":
        notebook = nbformat.reads(content[0], as_version=4)
        content[0] = nbformat.writes(prepare(notebook, path.name, app.config.site_repository))


def _on_doctree_read(app: Sphinx, doctree: nodes.document) -> None:
    path = app.env.doc2path(app.env.docname)
    if path.suffix != ".ipynb":
        return
    cells = nbformat.read(path, as_version=4).cells
    figures = [
        output
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    texts = [figure.metadata["image/png"]["alt"] for figure in figures]
    outputs = (
        node for node in doctree.findall(nodes.container) if "cell_output" in node["classes"]
    )
    images = [image for output in outputs for image in output.findall(nodes.image)]
    for image, text in zip(images, texts, strict=True):
        image["alt"] = text


def mathml(formula: str, display: str = "inline") -> str:
    """A formula of TeX in MathML. What the converter doesn't know it would show as it stands."""
    shown = convert(formula, display=display)
    if "\\" in shown:
        raise ValueError(f"The converter doesn't know all of this formula: {formula}")
    return shown


def _visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _visit_display_math(self: HTML5Translator, node: nodes.math_block) -> None:
    # The theme's script makes what has this class reachable by keyboard, if it is too wide.
    formula = mathml(node.astext(), "block")
    self.body.append(f'<div class="formula pst-scrollable-table-container">{formula}</div>\n')
    raise nodes.SkipNode


def _visit_folded(self: HTML5Translator, node: HideCodeCellNode) -> None:
    # As MyST-NB does it, but for a label that would hide the words from a screen reader.
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}">\n')
    title = escape(node["prompt_show"])
    self.body.append(f'<summary><p class="admonition-title">{title}</p></summary>\n')


def _depart_folded(self: HTML5Translator, node: HideCodeCellNode) -> None:
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("site_repository", PLACEHOLDER, "env", types=(str,))
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_display_math, None))
    app.add_node(HideCodeCellNode, override=True, html=(_visit_folded, _depart_folded))
    app.connect("source-read", _on_source_read)
    app.connect("doctree-read", _on_doctree_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
