"""What Binder makes of the repository: repo2docker's own plan, and packages that exist for it."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def plan():
    """The Dockerfile that Binder would build."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--no-run", "--debug", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_repo2docker_finds_the_folder(plan):
    assert "Building conda environment for python=3.12\n" in plan
    assert '/bin/pip install --no-cache-dir -r "binder/requirements.txt"\n' in plan
    assert plan.index("binder/requirements.txt") < plan.index("RUN ./binder/postBuild\n")
    # The lock file of the root, with its tests and GPU support, is not for Binder.
    assert '-r "requirements' not in plan


def test_every_package_has_a_wheel_for_linux(tmp_path):
    found = tmp_path / "resolved.txt"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "--quiet",
            ROOT / "binder/requirements.txt",
            "--python-platform",
            "x86_64-manylinux_2_28",
            "--python-version",
            "3.12",
            "--only-binary",
            ":all:",
            "--no-header",
            "--no-annotate",
            "--output-file",
            found,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "error sending request" in done.stderr or "dns error" in done.stderr:
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stderr
    asked, resolved = (
        {re.sub(r"\[.*]", "", line) for line in text.splitlines() if not line.startswith("#")}
        for text in ((ROOT / "binder/requirements.txt").read_text(), found.read_text())
    )
    assert asked <= resolved
