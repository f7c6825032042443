"""The alternative texts of a notebook's figures.

Every figure of the course has a title that states its finding; that is what someone who can't
see the figure needs, after a word about its kind. The title is taken from

1. `alt` in the output's metadata, where the notebook has stored it when the figure was drawn;
2. else the cell's source. Numbers of the run that are filled into the title there are known to
   the figure only: an ellipsis stands for them, and the section is named to make up for it.
"""

import ast
import re
from collections.abc import Iterator

import nbformat

# The functions of fmnist_utils.plots that finish a figure: where the title stands among their
# arguments, and what they draw.
DRAWN = {
    "finish": (1, "Chart"),
    "grid": (3, "Pictures"),
    "samples": (3, "Pictures"),
    "curves": (1, "Loss and accuracy per epoch"),
    "confusion": (1, "Confusion matrix"),
    "roc": (2, "ROC curves"),
    "dots": (2, "Dots with error bars"),
    "scatter": (3, "Scatter plot"),
}
# The functions of fmnist_utils.explore make their titles themselves.
EXPLORED = {
    "threshold": ("ROC curve", "one class, with the point of a threshold that sliders can move"),
    "predictions": ("Pictures", "what the network says of ten images, and how sure it is"),
}


def alternative_texts(notebook: nbformat.NotebookNode) -> list[str]:
    """One text for every figure, in the order of the figures."""
    texts, section = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = [line for line in cell.source.splitlines() if line.startswith("#")]
            section = headings[-1].lstrip("# ") if headings else section
            continue
        figures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        for number, figure in enumerate(figures, start=1):
            kind, title = drawn_in(cell.source)
            title = figure.metadata.get("image/png", {}).get("alt", "") or title
            text = f"{kind}: {title}" if title else kind
            if not title or "…" in title:
                text += f" (in the section “{section}”)"
            if len(figures) > 1:
                text += f" ({number} of {len(figures)})"
            texts.append(text)
    return texts


def drawn_in(source: str) -> tuple[str, str]:
    """What kind of figure a cell's source draws, and its title; each may be empty."""
    tree = ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", source))  # IPython's own lines
    drawn = dict(DRAWN)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):  # the notebook's own, which finish a figure, too
            names = [argument.arg for argument in node.args.args]
            if "title" in names:
                drawn[node.name] = (names.index("title"), "Chart")
    for name, call in _calls(tree):
        if name in EXPLORED:
            return EXPLORED[name]
        if name in drawn:
            position, kind = drawn[name]
            titles = [keyword.value for keyword in call.keywords if keyword.arg == "title"]
            titles += call.args[position : position + 1]
            if titles and (words := _words(titles[0])):
                return kind, words
    return "Chart", ""


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def _words(node: ast.expr) -> str:
    """A text as far as it stands in the source; "" if nothing of it does."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = []
    if isinstance(node, ast.JoinedStr):
        parts = [_words(part) for part in node.values]
    elif isinstance(node, ast.BinOp):
        parts = [_words(node.left), _words(node.right)]
    return "".join(part or "…" for part in parts) if any(parts) else ""
