"""The caches of an LMS without a cache server."""

from pathlib import Path
from tempfile import TemporaryDirectory

from django.test import TestCase, override_settings

from common.djangoapps.student import eviction_notice
from lms.envs import common
from openedx.core.djangoapps.single_login.one_session.decision import SIGNED_IN_ELSEWHERE


class DefaultCachesTest(TestCase):
    """Eviction notices are in files, not in the database."""

    def test_eviction_notice_costs_no_database_statement(self):
        folder = self.enterContext(TemporaryDirectory())
        caches = {**common.CACHES, "single_login": {**common.CACHES["single_login"], "LOCATION": folder}}
        with override_settings(CACHES=caches), self.assertNumQueries(0):
            eviction_notice.store_notice("a-session-key", SIGNED_IN_ELSEWHERE)
            assert len(list(Path(folder).iterdir())) == 1
