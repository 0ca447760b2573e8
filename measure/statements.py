"""
The statements of a login, a request and a logout, with the wheel and without it.

They are counted on the stand-in for the platform (tests/wheel/standin), in an environment of tox that holds the wheel.
"""

import json
import subprocess
import sys
from pathlib import Path

from testing.production_lms import REPO_ROOT

DOCUMENT = "docs/performance.rst"
ENVIRONMENT = "statements-django52"


def add_arguments(parser):
    """Add no options."""


def on_standin():
    """Return a row for each account."""
    tox = Path(sys.executable).with_name("tox")
    process = subprocess.run(
        [tox, "run", "-qq", "-e", ENVIRONMENT], cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(process.stdout.splitlines()[-1])


def find_failures(rows):
    """Return a sentence for each broken promise."""
    failures = []
    for row in rows:
        for what in ("login", "request", "logout"):
            more = row[f"{what} with"] - row[f"{what} without"]
            # The groups are read at a login and a logout.
            allowed = int("a group is exempt" in row["account"] and what != "request")
            if more > allowed or ("not" in row["account"] and more < 0):
                failures.append(f"{row['account']}: a {what} makes {more} statements more than without the wheel.")
    return failures
