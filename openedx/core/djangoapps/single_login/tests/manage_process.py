"""Run manage.py in a new process."""

import os
import subprocess
import sys
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[5]
CHOOSE_SETTINGS = ("DJANGO_SETTINGS_MODULE", "EDX_PLATFORM_SETTINGS", "LMS_CFG")


def run_manage(*arguments, **environment):
    """Run manage.py with ``arguments``, and with ``environment`` added. Return the process."""
    return run_in_repository([sys.executable, "manage.py", *arguments], **environment)


def run_in_repository(command, **environment):
    """Run ``command`` in the folder of manage.py. Nothing but ``environment`` chooses its settings."""
    inherited = {name: value for name, value in os.environ.items() if name not in CHOOSE_SETTINGS}
    return subprocess.run(
        command,
        cwd=REPO_ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
