"""
A session from before, in requests that run at the same time, fail, or sign in again.

It began before the check at every request was on.
"""

from contextlib import contextmanager

import ddt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import ALL_ENGINES, ENGINES, every_request, site_engine
from openedx.core.djangoapps.single_login.tests.single_login_cases import audit_lines, protection
from openedx.core.djangoapps.single_login.tests.statements import overtaken_by

# A view of Django REST framework, which rolls the transaction back when it answers 403.
XQUEUE_API = "/xqueue/get_submission/"


class ExactBackend(ModelBackend):
    """Finds an account only by a number, which is what Django's ``get_user`` gives it."""

    def get_user(self, user_id):
        """Return the account with this number, or None."""
        return super().get_user(user_id) if isinstance(user_id, int) else None


@ddt.ddt
@override_settings(**every_request())
class SessionFromBeforeTest(TransactionTestCase):
    """Requests of a session from before."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory()
        self.browser = Client()

    def sign_in(self):
        response = self.browser.post("/login_ajax", {"email": self.user.email, "password": TEST_PASSWORD})
        assert response.status_code == 200

    @contextmanager
    def signed_in_before(self, engine):
        """Sign the browser in with the protection off, then turn it on. Sessions are in ``engine``."""
        with site_engine(engine):
            with protection(False):
                self.sign_in()
            yield

    def is_signed_in(self):
        return self.browser.get("/dashboard").status_code == 200

    def requests_are_atomic(self):
        atomic = connection.settings_dict["ATOMIC_REQUESTS"]
        self.addCleanup(connection.settings_dict.update, ATOMIC_REQUESTS=atomic)
        connection.settings_dict["ATOMIC_REQUESTS"] = True

    @ddt.data(*ENGINES)
    def test_case_13_two_first_requests_at_the_same_time_are_both_signed_in(self, engine):
        tab = Client()
        with self.signed_in_before(engine):
            tab.cookies = self.browser.cookies.copy()
            seen = []
            with overtaken_by(lambda: seen.append(tab.get("/dashboard").status_code)):
                assert self.is_signed_in()
            assert seen == [200]
            assert self.is_signed_in()

    @ddt.data(*ENGINES)
    def test_case_13_login_during_a_first_request_keeps_the_slot(self, engine):
        other = Client()
        with self.signed_in_before(engine):
            credentials = {"email": self.user.email, "password": TEST_PASSWORD}
            with overtaken_by(lambda: other.post("/login_ajax", credentials)):
                self.is_signed_in()
            assert other.get("/dashboard").status_code == 200
            assert not self.is_signed_in()

    @ddt.data(*ALL_ENGINES)
    def test_case_13_session_survives_a_first_request_that_is_rolled_back(self, engine):
        self.requests_are_atomic()
        with self.signed_in_before(engine):
            assert self.browser.get("/single_login/exemptions/").status_code == 403
            assert [self.is_signed_in() for _ in range(3)] == [True] * 3

    @ddt.data(*ALL_ENGINES)
    def test_case_13_first_request_may_sign_in_again(self, engine):
        self.requests_are_atomic()
        with self.signed_in_before(engine):
            self.sign_in()
            assert self.is_signed_in()

    @ddt.data(*ALL_ENGINES)
    def test_case_13_first_request_that_signs_out_leaves_the_slot_free(self, engine):
        self.requests_are_atomic()
        with self.signed_in_before(engine):
            self.browser.get("/logout")
            assert not self.is_signed_in()
        assert not UserProfile.objects.get(user=self.user).get_meta().get("session_id")

    @ddt.data(*ALL_ENGINES)
    def test_case_13_one_of_two_sessions_survives_a_secret_key_rotation(self, engine):
        rotated = override_settings(SECRET_KEY="new-and-as-secret", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY])
        with site_engine(engine):
            with protection(False):
                first = self.browser
                self.sign_in()
                self.browser = Client()
                self.sign_in()
            with rotated:
                assert first.get("/dashboard").status_code == 200
                assert not self.is_signed_in()
                assert first.get("/dashboard").status_code == 200

    @ddt.data(*ENGINES)
    def test_case_13_one_session_of_an_inactive_account_is_accepted_if_its_backend_accepts_the_account(self, engine):
        backend = "django.contrib.auth.backends.AllowAllUsersModelBackend"
        with override_settings(AUTHENTICATION_BACKENDS=[backend]), site_engine(engine):
            browsers = Client(), Client()
            with protection(False):
                for browser in browsers:
                    browser.force_login(self.user)
            get_user_model().objects.update(is_active=False)
            with audit_lines() as lines:
                assert [browser.get("/dashboard").status_code for browser in browsers] == [200, 302]
            assert [line.endswith(" - not the session on record") for line in lines] == [True]

    def test_case_13_one_of_two_sessions_lives_if_the_backend_takes_only_the_type_of_the_primary_key(self):
        with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.ExactBackend"]):
            with protection(False):
                other, _ = self.browser, self.sign_in()
                self.browser = Client()
                self.sign_in()
            assert self.is_signed_in()
            assert other.get("/dashboard").status_code == 302

    @ddt.data('{"session_id": ""}', '{"session_id": 0}', '{"session_id": []}')
    def test_case_13_empty_record_of_any_type_is_a_free_slot(self, meta):
        with protection(False):
            self.sign_in()
        UserProfile.objects.update(meta=meta)
        assert self.is_signed_in()
        assert UserProfile.objects.get(user=self.user).get_meta()["session_id"] == self.browser.session.session_key

    def test_case_13_slot_is_taken_after_the_transaction_of_the_request(self):
        within = []

        def note(execute, sql, *arguments):
            if sql.startswith("UPDATE") and "auth_userprofile" in sql:
                within.append(bool(connection.savepoint_ids))
            return execute(sql, *arguments)

        self.requests_are_atomic()
        with protection(False):
            self.sign_in()
        with connection.execute_wrapper(note):
            assert self.is_signed_in()
        assert within == [False]

    @ddt.data(*ALL_ENGINES)
    def test_case_13_request_that_is_rolled_back_takes_the_slot(self, engine):
        self.requests_are_atomic()
        with self.signed_in_before(engine):
            assert [self.browser.get(XQUEUE_API).status_code for _ in range(2)] == [403, 403]
            assert UserProfile.objects.get(user=self.user).get_meta()["session_id"]
