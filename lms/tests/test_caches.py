"""The caches of an LMS that has nothing but SQLite."""

from pathlib import Path
from tempfile import TemporaryDirectory

from django.test import TestCase, override_settings

from common.djangoapps.student import eviction_notice
from lms.envs import common
from openedx.core.djangoapps.single_login.session_slot import SIGNED_IN_ELSEWHERE


class EmbeddedCachesTest(TestCase):
    """The default cache is in the database."""

    def test_keeping_an_eviction_notice_costs_no_statement(self):
        folder = self.enterContext(TemporaryDirectory())
        caches = {**common.CACHES, "single_login": {**common.CACHES["single_login"], "LOCATION": folder}}
        with override_settings(CACHES=caches), self.assertNumQueries(0):
            eviction_notice.leave("a-session-key", SIGNED_IN_ELSEWHERE)
            assert len(list(Path(folder).iterdir())) == 1
