"""Copy the README's picture out of the committed notebook whose cell is tagged `readme-picture`."""

import base64
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent


def picture() -> bytes:
    """The PNG that the tagged cell shows."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if "readme-picture" in cell.metadata.get("tags", []):
                shown = [output.data for output in cell.outputs if "data" in output]
                return base64.b64decode(next(d["image/png"] for d in shown if "image/png" in d))
    sys.exit("No cell of notebooks/ is tagged readme-picture.")


if __name__ == "__main__":
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "picture.png").write_bytes(picture())
