"""The links that a published package has to the repository."""

import re
import shutil
import tomllib

import pytest

from testing.production_lms import REPO_ROOT
from tools.add_links import PLACES, README, add_links
from tools.check_links import get_links

ADDRESS = "https://git.example.com/owner/name"


@pytest.fixture
def copy(tmp_path):
    (tmp_path / README).parent.mkdir(parents=True)
    for file in ("pyproject.toml", README):
        shutil.copy(REPO_ROOT / file, tmp_path / file)
    add_links(tmp_path, ADDRESS, "v1.2.3")
    return tmp_path


def test_metadata_and_readme_have_the_same_links(copy):
    project = tomllib.loads((copy / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Guide"] == f"{ADDRESS}/blob/v1.2.3/docs/operators.rst"
    assert project["urls"]["Issues"] == f"{ADDRESS}/issues"
    assert list(project["urls"].values()) == [link for link in get_links(copy / README) if link.startswith(ADDRESS)]


@pytest.mark.parametrize("place", PLACES.values())
def test_each_linked_file_is_in_the_repository(place):
    file = re.sub(r"^(blob|tree)/\{tag\}/?|^issues$", "", place)
    assert (REPO_ROOT / file).exists()


def test_the_workflow_that_publishes_adds_the_links_before_it_builds():
    workflow = (REPO_ROOT / ".github/workflows/publish.yml").read_text()
    command = 'python -m tools.add_links "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "$GITHUB_REF_NAME"'
    assert 0 < workflow.find(f"run: {command}") < workflow.find("run: make dist")
