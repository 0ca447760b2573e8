"""The wheel is installed, configured and removed. Each step is a new process on the same database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import ddt
from django.test import SimpleTestCase

STANDIN = Path(__file__).parent / "standin"
WITHOUT = {"WITHOUT_WHEEL": "yes", "CHECK_EVERY_REQUEST": "false"}
EXEMPT_ONLY = {"WITHOUT_WHEEL": "", "CHECK_EVERY_REQUEST": "false"}
EVERY_REQUEST = {"WITHOUT_WHEEL": "", "CHECK_EVERY_REQUEST": "true"}


@ddt.ddt
class InstallingTest(SimpleTestCase):
    """Each letter is a browser: see standin/visits.py."""

    def setUp(self):
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.cookies = {}

    def visit(self, engine, level, *visits):
        """Let browsers visit the site, with ``level`` in its environment. Return those that are signed in, as text."""
        process = subprocess.run(
            [sys.executable, STANDIN / "visits.py", *visits],
            cwd=self.directory,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "lms.envs.site",
                "ENGINE": engine,
                "EXEMPT": "worker",
                **level,
            },
            input=json.dumps(self.cookies),
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        self.cookies, signed_in = json.loads(process.stdout)
        return "".join(signed_in)

    @ddt.data("db", "cached_db", "file")
    def test_with_the_check_uninstalling_the_wheel_brings_no_ended_session_back(self, engine):
        assert self.visit(engine, WITHOUT, "a:anna", "b:bert", "c:worker") == "abc"
        with_wheel = ["a", "b", "c", "d:worker", "e:worker", "c", "d", "f:anna", "a", "b", "g:anna"]
        assert self.visit(engine, EVERY_REQUEST, *with_wheel) == "abcdecdfbg"
        # Neither a, which visited after it was ended, nor f, which did not visit.
        assert self.visit(engine, WITHOUT, *"abcdefg") == "bcdeg"

    @ddt.data("db", "cached_db", "cache", "file")
    def test_sessions_survive_installing_the_wheel_and_uninstalling_it(self, engine):
        assert self.visit(engine, WITHOUT, "a:anna", "b:bert", "c:worker") == "abc"
        assert self.visit(engine, EXEMPT_ONLY, *"abc", "d:worker", "e:worker", "f:anna", *"abcdef") == "abcdefbcdef"
        assert self.visit(engine, WITHOUT, *"abcdef") == "bcdef"

    @ddt.data("db", "cached_db", "cache", "file")
    def test_turning_the_check_on_and_off_ends_no_session_of_those_who_have_one(self, engine):
        assert self.visit(engine, EXEMPT_ONLY, "a:anna", "b:bert", "c:worker", "d:worker") == "abcd"
        assert self.visit(engine, EVERY_REQUEST, *"abcd", "e:anna", *"abcde") == "abcdebcde"
        assert self.visit(engine, EXEMPT_ONLY, *"bcde", "f:anna", *"bcdef") == "bcdefbcdf"
        assert self.visit(engine, EVERY_REQUEST, *"bcdf") == "bcdf"

    @ddt.data(EXEMPT_ONLY, EVERY_REQUEST)
    def test_case_18_two_servers_with_different_lists_keep_a_session_that_both_accept(self, level):
        old, new = {**level, "EXEMPT": ""}, level
        assert self.visit("cached_db", old, "a:anna", "b:worker") == "ab"
        # The exempt login leaves b on record, so the old server accepts it, too.
        assert self.visit("cached_db", new, *"ab", "c:bert", "d:worker", *"abc") == "abcdabc"
        assert self.visit("cached_db", old, *"abc", "e:anna", *"abce") == "abcebce"
        assert self.visit("cached_db", new, *"abcde") == "bcde"

    def test_with_the_check_sessions_survive_installing_it_again(self):
        assert self.visit("db", EVERY_REQUEST, "a:anna", "b:bert", "c:worker") == "abc"
        # Meanwhile the platform ends bert's session for another login, and records that one.
        assert self.visit("db", WITHOUT, "a", "d:bert", "b") == "ad"
        assert self.visit("db", EVERY_REQUEST, *"abcd", "e:anna", "f:bert", *"abcd") == "acdefc"
