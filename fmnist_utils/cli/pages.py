"""A notebook as a web page whose figures have their alternative texts."""

from base64 import b64encode
from html import escape
from typing import Any

WIDGET = "application/vnd.jupyter.widget-view+json"


def described(notebook: Any, resources: dict) -> tuple[Any, dict]:
    """A preprocessor of nbconvert: figures as HTML, with the texts that their metadata hold.

    (nbconvert's own templates know no alternative texts, but leave an output's HTML as it is.)
    Sliders go: without a kernel they move nothing, and their script would be loaded from afar.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
        for output in cell.get("outputs", []):
            data, told = output.get("data", {}), output.get("metadata", {})
            for kind in ("image/svg+xml", "image/png", "image/jpeg"):
                text = told.get(kind, {}).get("alt") or told.get("alt")
                if kind in data and text and "text/html" not in data:
                    picture = data[kind]
                    if kind == "image/svg+xml":
                        picture = b64encode("".join(picture).encode()).decode()
                    address = f"data:{kind};base64,{''.join(picture.split())}"
                    data["text/html"] = f'<img alt="{escape(text)}" src="{address}">'
    return notebook, resources
