"""The workflows on GitHub: pinned actions, least permissions, the README's own command."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_may_only_read(path):
    text = path.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", one) for one in used)
    # Who publishes pages may write these, and nothing else.
    more = {"contents": "read", "pages": "write", "id-token": "write"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", more) == more
        assert ("permissions" in job) == (name == "pages")
        assert job["timeout-minutes"] <= 90
        checkout = next(step for step in job["steps"] if "checkout" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_every_push_runs_the_readmes_own_command_on_every_python():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    job = workflow["jobs"]["test"]
    assert [step.get("run") for step in job["steps"][-2:]] == ["make test", "make test-handouts"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert "make test" in (ROOT / "README.md").read_text()
    assert workflow["jobs"]["browser"]["steps"][-1]["run"] == "make test-browser test-site"


def test_pages_are_published_by_hand_and_with_their_own_links():
    text = (ROOT / ".github" / "workflows" / "pages.yml").read_text()
    assert list(yaml.safe_load(text)[True]) == ["workflow_dispatch"]  # YAML reads `on` as true
    assert 'make site REPOSITORY="$GITHUB_REPOSITORY"' in text


def test_the_newest_versions_are_tried_every_week_on_all_notebooks():
    text = (ROOT / ".github" / "workflows" / "newest.yml").read_text()
    assert "--requirement requirements.txt" in text
    assert "fmnist_utils run --profile lesson" in text
    assert "GITHUB_STEP_SUMMARY" in text


@pytest.mark.parametrize("name", ["broken", "unclear"])
def test_issue_forms_ask_for_notebook_and_cell(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert form["name"]
    assert form["description"]
    asked = {part["id"]: part for part in form["body"]}
    assert all(part["validations"]["required"] for part in asked.values())
    assert {"notebook", "cell"} <= set(asked)
    lessons = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    assert asked["notebook"]["attributes"]["options"][: len(lessons)] == lessons


def test_who_reports_a_fault_is_asked_what_the_doctor_says():
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "broken.yml").read_text())
    (doctor,) = (part for part in form["body"] if part["id"] == "doctor")
    assert "python -m fmnist_utils doctor" in doctor["attributes"]["description"]
