"""How make sets up the virtual environment. Each test has a new folder, and downloads nothing."""

import os
import shutil
import subprocess
import sys

import pytest

from testing.production_lms import REPO_ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def folder(tmp_path):
    requirements = tmp_path / "requirements" / "edx"
    requirements.mkdir(parents=True)
    (requirements / "base.txt").touch()
    return tmp_path


def run_make(folder, *arguments):
    """Run the Makefile of this repository in ``folder``. The tests may themselves run under make."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--file", REPO_ROOT / "Makefile", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_next_make_repeats_an_interrupted_install(folder):
    base = folder / "requirements" / "edx" / "base.txt"
    base.write_text("./no-such-package\n")
    assert run_make(folder, ".venv/base").returncode != 0
    remains = folder / ".venv" / "half-installed"
    remains.touch()

    base.write_text("")
    assert run_make(folder, ".venv/base").returncode == 0
    assert not remains.exists()
    assert run_make(folder, "--question", ".venv/base").returncode == 0


@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_an_unsuitable_python_is_refused_in_a_line(folder, python):
    process = run_make(folder, ".venv/base", f"PYTHON={python}")
    said = [line for line in process.stderr.splitlines() if not line.startswith("make: ")]
    assert process.returncode != 0
    needed = f"{python} must be Python 3.11 or newer, with venv (on Debian: apt install python3-venv)."
    assert said == [f"{needed} To use another: make PYTHON=python3.12 ..."]


def test_coverage_without_data_says_what_to_run_first(folder):
    process = run_make(folder, "coverage")
    assert process.returncode != 0
    assert "Run the tests first: make test test-wheel coverage COVERAGE=1" in process.stderr
