"""Copy the README's pictures out of the committed notebooks: of the cells tagged
`readme-picture`."""

import base64
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent


def pictures() -> dict[str, bytes]:
    """The PNG of each tagged cell, by its notebook's name."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if "readme-picture" in cell.metadata.get("tags", []):
                shown = [output.data for output in cell.outputs if "data" in output]
                png = next(data["image/png"] for data in shown if "image/png" in data)
                found[path.stem] = base64.b64decode(png)
    return found or sys.exit("No cell of notebooks/ is tagged readme-picture.")


if __name__ == "__main__":
    for name, png in pictures().items():
        (ROOT / "docs" / f"{name}.png").write_bytes(png)
