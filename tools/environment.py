"""
Install requirements/edx/NAME.txt into the virtual environment, which is made first; for make.

Usage: environment.py NAME [NAME ...]

The first name's stamp, .venv/NAME, is touched. An install that was cut off is begun again from an empty environment,
and of two at once one waits for the other.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]
VENV = REPO_ROOT / ".venv"
# Not there while something is being installed, nor after that was cut off.
READY = VENV / "ready"


def install(names):
    """Install the requirements of ``names``, unless that was done since they changed."""
    stamp = VENV / names[0]
    files = [REPO_ROOT / "requirements" / "edx" / f"{name}.txt" for name in names]
    if READY.exists() and stamp.exists() and stamp.stat().st_mtime > max(file.stat().st_mtime for file in files):
        return
    if not READY.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    READY.unlink(missing_ok=True)
    pip = [VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    for file in files:
        subprocess.run([*pip, "--requirement", file], check=True)
    READY.touch()
    stamp.touch()


def main(names):
    """Install what ``names`` need, when nobody else does."""
    # This runs in whatever Python there is.
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...")
    # The lock ends with this process, however it ends.
    fcntl.flock(os.open(REPO_ROOT, os.O_RDONLY), fcntl.LOCK_EX)
    try:
        install(names)
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment was not set up: see above. ({error.cmd[0]} ended with {error.returncode}.)")
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next make begins again.")


if __name__ == "__main__":
    main(sys.argv[1:])
