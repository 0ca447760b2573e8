"""The wheel is installed and removed. Each step is a new process on the same database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import ddt
from django.test import SimpleTestCase

STANDIN = Path(__file__).parent / "standin"
WITHOUT, AT_LOGIN, EVERY_REQUEST = "without the wheel", "at login", "every request"


@ddt.ddt
class InstallingTest(SimpleTestCase):
    """Each letter is a browser: see standin/visits.py."""

    def setUp(self):
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.cookies = {}

    def visit(self, engine, level, *visits):
        """Let browsers visit the site at ``level``. Return those that are signed in, in one string."""
        process = subprocess.run(
            [sys.executable, STANDIN / "visits.py", *visits],
            cwd=self.directory,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "lms.envs.site",
                "ENGINE": engine,
                "LEVEL": level,
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
    def test_sessions_survive_installing_the_wheel_and_uninstalling_it_restores_no_ended_session(self, engine):
        assert self.visit(engine, WITHOUT, "a:anna", "b:bert", "c:worker") == "abc"
        with_wheel = ["a", "b", "c", "d:worker", "e:worker", "c", "d", "f:anna", "a", "b", "g:anna"]
        assert self.visit(engine, EVERY_REQUEST, *with_wheel) == "abcdecdfbg"
        # Neither a, which visited after it was ended, nor f, which did not visit.
        assert self.visit(engine, WITHOUT, *"abcdefg") == "bcdeg"

    @ddt.data("db", "cached_db", "cache", "file")
    def test_at_login_sessions_survive_installing_the_wheel_and_uninstalling_it(self, engine):
        assert self.visit(engine, WITHOUT, "a:anna", "b:bert", "c:worker") == "abc"
        assert self.visit(engine, AT_LOGIN, *"abc", "d:worker", "e:worker", "f:anna", *"abcdef") == "abcdefbcdef"
        assert self.visit(engine, WITHOUT, *"abcdef") == "bcdef"

    @ddt.data("db", "cached_db", "cache", "file")
    def test_switching_the_check_on_and_off_signs_nobody_out_who_has_one_session(self, engine):
        assert self.visit(engine, AT_LOGIN, "a:anna", "b:bert", "c:worker", "d:worker") == "abcd"
        assert self.visit(engine, EVERY_REQUEST, *"abcd", "e:anna", *"abcde") == "abcdebcde"
        assert self.visit(engine, AT_LOGIN, *"bcde", "f:anna", *"bcdef") == "bcdefbcdf"
        assert self.visit(engine, EVERY_REQUEST, *"bcdf") == "bcdf"

    def test_sessions_survive_installing_it_again(self):
        assert self.visit("db", EVERY_REQUEST, "a:anna", "b:bert", "c:worker") == "abc"
        # Meanwhile the platform ends bert's session for another login, and records that one.
        assert self.visit("db", WITHOUT, "a", "d:bert", "b") == "ad"
        assert self.visit("db", EVERY_REQUEST, *"abcd", "e:anna", "f:bert", *"abcd") == "acdefc"
