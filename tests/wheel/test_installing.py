"""The wheel comes to a site that had none, and goes again: each time in processes of its own, on one database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import ddt
from django.test import SimpleTestCase

STANDIN = Path(__file__).parent / "standin"


@ddt.ddt
class InstallingTest(SimpleTestCase):
    """Each letter is a browser; see standin/visits.py."""

    def setUp(self):
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.cookies = {}

    def visit(self, engine, *visits, wheel):
        """Let browsers visit the site, with the wheel or without; return those that are signed in, in one string."""
        process = subprocess.run(
            [sys.executable, STANDIN / "visits.py", *visits],
            cwd=self.directory,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "lms.envs.site",
                "ENGINE": engine,
                "WITH_WHEEL": "yes" if wheel else "no",
            },
            input=json.dumps(self.cookies),
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        self.cookies, alive = json.loads(process.stdout)
        return "".join(alive)

    @ddt.data("db", "cached_db", "file")
    def test_sessions_survive_installing_the_wheel_and_uninstalling_it_brings_no_ended_one_back(self, engine):
        assert self.visit(engine, "a:anna", "b:bert", "c:worker", wheel=False) == "abc"
        with_wheel = ["a", "b", "c", "d:worker", "e:worker", "c", "d", "f:anna", "a", "b", "g:anna"]
        assert self.visit(engine, *with_wheel, wheel=True) == "abcdecdfbg"
        # Neither a, which came again after it was ended, nor f, which did not.
        assert self.visit(engine, *"abcdefg", wheel=False) == "bcdeg"

    def test_sessions_survive_installing_it_again(self):
        assert self.visit("db", "a:anna", "b:bert", "c:worker", wheel=True) == "abc"
        # In between the platform ends bert's session for another, and records that.
        assert self.visit("db", "a", "d:bert", "b", wheel=False) == "ad"
        assert self.visit("db", *"abcd", "e:anna", "f:bert", *"abcd", wheel=True) == "acdefc"
