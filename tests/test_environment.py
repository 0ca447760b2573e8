"""The environment that make sets up: cut off, and by two at once. Each test has a folder of its own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

REPO_ROOT = Path(__file__).resolve().parents[1]
LOCKS = Path("/proc/locks")


@pytest.fixture
def folder(tmp_path):
    """A project with the tool, and nothing to install."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").touch()
    shutil.copy(REPO_ROOT / "tools" / "environment.py", tmp_path / "tools")
    requirements = tmp_path / "requirements" / "edx"
    requirements.mkdir(parents=True)
    (requirements / "base.txt").touch()
    return tmp_path


def start(folder):
    """Start to set the environment up."""
    command = [sys.executable, "-m", "tools.environment", "base"]
    # These tests may run in the background of a shell, where Ctrl-C is ignored.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=folder, start_new_session=True, preexec_fn=listen)


def assert_works(folder):
    """Fail unless pip runs there, and the set-up is recorded as done."""
    subprocess.run([folder / ".venv" / "bin" / "pip", "check"], check=True)
    assert (folder / ".venv" / "base").exists()


def wait_until(happens):
    """Return when ``happens()`` is true."""
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def start_half(folder):
    """Start to set the environment up; yield the process while pip reads requirements that have no end yet."""
    requirements, writers = folder / "requirements" / "edx" / "base.txt", []

    def is_read():
        with suppress(OSError):
            writers.append(os.open(requirements, os.O_WRONLY | os.O_NONBLOCK))
        return writers

    requirements.unlink()
    os.mkfifo(requirements)
    process = start(folder)
    wait_until(is_read)
    try:
        yield process
    finally:
        os.close(writers[0])


def test_an_environment_that_was_cut_off_is_made_again(folder):
    with start_half(folder) as cut_off:
        os.killpg(cut_off.pid, signal.SIGINT)
        assert cut_off.wait(timeout=60) != 0
    assert not (folder / ".venv" / "base").exists()

    requirements = folder / "requirements" / "edx" / "base.txt"
    requirements.unlink()
    requirements.touch()
    assert start(folder).wait(timeout=300) == 0
    assert_works(folder)


def test_an_install_that_was_killed_is_begun_again_from_an_empty_environment(folder):
    assert start(folder).wait(timeout=300) == 0
    # What a kill in the middle of an install leaves: files of a package, and no record of having finished.
    (folder / ".venv" / "ready").unlink()
    half = folder / ".venv" / "half-installed"
    half.touch()
    assert start(folder).wait(timeout=300) == 0
    assert not half.exists()
    assert_works(folder)


@pytest.mark.skipif(not LOCKS.exists(), reason="only Linux tells who waits for a lock")
def test_of_two_at_once_the_second_waits_for_the_first(folder):
    with start_half(folder) as first:
        second = start(folder)
        # Where Linux tells who waits for a lock.
        wait_until(lambda: re.search(rf"-> FLOCK +ADVISORY +WRITE {second.pid} ", LOCKS.read_text()))
    assert [process.wait(timeout=300) for process in (first, second)] == [0, 0]
    assert_works(folder)


def test_nothing_is_done_twice(folder):
    assert start(folder).wait(timeout=300) == 0
    stamp = folder / ".venv" / "base"
    before = stamp.stat().st_mtime_ns
    assert start(folder).wait(timeout=300) == 0
    assert stamp.stat().st_mtime_ns == before
