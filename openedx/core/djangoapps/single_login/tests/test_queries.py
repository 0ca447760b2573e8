"""The database statements of logins and requests, by table."""

from itertools import product

import ddt
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory, TestCase, TransactionTestCase, override_settings

from common.djangoapps.student.models import UserProfile, enforce_single_login
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.statements import Statements

from .level_settings import every_request
from .single_login_cases import BY_BOTH, BY_GROUP, BY_USERNAME, GROUP, NOBODY, USERNAME, protection

NAMES_ONLY = {"SINGLE_LOGIN_EXEMPT_USERNAMES": ["other"]}
NO_MATCH = {**NAMES_ONLY, "SINGLE_LOGIN_EXEMPT_GROUPS": ["other"]}
GROUP_TABLE = "auth_group"
PROFILE_TABLE = "auth_userprofile"
GET_SUBMISSION = "/xqueue/get_submission/?queue_name=test-queue"


@ddt.ddt
class LoginStatementsTest(TestCase):
    """Statements of the session store and savepoints are not counted: they depend on the engine and the request."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username=USERNAME, groups=[GROUP])

    def receive_login(self):
        """Call the receiver for a login of the user. Return the number of its statements by table."""
        request = RequestFactory().get("/")
        request.session = SessionStore()
        request.session[SESSION_KEY] = str(self.user.pk)
        user = type(self.user).objects.get(pk=self.user.pk)
        with Statements() as statements:
            enforce_single_login(sender=type(user), request=request, user=user, signal=user_logged_in)
        return statements.by_table()

    @ddt.data(
        (False, BY_BOTH, {}),
        (True, BY_USERNAME, {PROFILE_TABLE: 1}),
        (True, BY_BOTH, {PROFILE_TABLE: 1}),
        (True, BY_GROUP, {GROUP_TABLE: 1, PROFILE_TABLE: 1}),
        (True, NOBODY, {PROFILE_TABLE: 3}),
        (True, NAMES_ONLY, {PROFILE_TABLE: 3}),
        (True, NO_MATCH, {GROUP_TABLE: 1, PROFILE_TABLE: 3}),
    )
    @ddt.unpack
    def test_statements_of_the_receiver(self, is_on, exemptions, expected):
        with protection(is_on, **exemptions):
            assert self.receive_login() == expected
            # The same with an earlier session to evict.
            assert self.receive_login() == expected

    @ddt.data(
        (False, BY_BOTH, {}),
        (True, BY_USERNAME, {PROFILE_TABLE: 2}),
        (True, BY_GROUP, {GROUP_TABLE: 1, PROFILE_TABLE: 2}),
        (True, NOBODY, {PROFILE_TABLE: 4}),
        (True, NO_MATCH, {GROUP_TABLE: 1, PROFILE_TABLE: 4}),
    )
    @ddt.unpack
    def test_creating_a_missing_profile_costs_one_more_statement(self, is_on, exemptions, expected):
        UserProfile.objects.all().delete()
        with protection(is_on, **exemptions):
            assert self.receive_login() == expected

    @ddt.data(
        (BY_USERNAME, {PROFILE_TABLE: 1}),
        (BY_GROUP, {GROUP_TABLE: 1, PROFILE_TABLE: 1}),
        (NOBODY, {PROFILE_TABLE: 3}),
        (NO_MATCH, {GROUP_TABLE: 1, PROFILE_TABLE: 3}),
    )
    @ddt.unpack
    def test_protection_adds_only_the_statements_of_the_receiver_to_a_login(self, exemptions, expected):
        with protection(False):
            bare = self.sign_in()
        with protection(True, **exemptions):
            assert self.sign_in() - bare == expected

    def test_recording_a_login_writes_one_column(self):
        with protection(True), Statements() as statements:
            self.sign_in()
        updates = [sql for sql, _ in statements.sent if sql.startswith("UPDATE") and PROFILE_TABLE in sql]
        written = [sql.partition(" WHERE ")[0] for sql in updates]
        assert written == ['UPDATE "auth_userprofile" SET "meta" = %s']

    def sign_in(self):
        """Sign in through a view. Return the number of statements of the request by table."""
        with Statements() as statements:
            response = self.client_class().post("/login_ajax", {"email": self.user.email, "password": TEST_PASSWORD})
        assert response.status_code == 200
        return statements.by_table()


class RequestCase(TransactionTestCase):
    """Requests other than logins."""

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username=USERNAME, groups=[GROUP])

    def ask(self, path):
        """Return the statements of a request for ``path``."""
        with Statements() as statements:
            response = self.client.get(path)
        assert response.status_code == 200
        return [sql for sql, _ in statements.sent], statements.by_table()


@ddt.ddt
class RequestStatementsTest(RequestCase):
    """At the level exempt only, a request sends the same statements with the protection on and off."""

    @ddt.data(*product([NOBODY, BY_USERNAME, BY_GROUP, NO_MATCH], ["/dashboard", GET_SUBMISSION]))
    @ddt.unpack
    def test_a_signed_in_request_sends_the_same_statements_as_with_the_protection_off(self, exemptions, path):
        with protection(True, **exemptions):
            self.client.force_login(self.user)
            enforced, _ = self.ask(path)
        with protection(False):
            bare, _ = self.ask(path)
        # The dashboard shows which rule exempts its account.
        shown = [sql for sql in enforced if "auth_group" in sql and path == "/dashboard"]
        assert [sql for sql in enforced if sql not in shown] == bare != []


@ddt.ddt
@override_settings(**every_request())
class EveryRequestStatementsTest(RequestCase):
    """The statements that the check adds to a request."""

    @ddt.data(
        (BY_USERNAME, {}),
        (BY_BOTH, {}),
        (BY_GROUP, {GROUP_TABLE: 1}),
        (NOBODY, {PROFILE_TABLE: 1}),
        (NAMES_ONLY, {PROFILE_TABLE: 1}),
        (NO_MATCH, {PROFILE_TABLE: 1}),
    )
    @ddt.unpack
    def test_statements_that_the_check_adds(self, exemptions, expected):
        with protection(True, **exemptions):
            self.client.force_login(self.user)
            _, checked = self.ask(GET_SUBMISSION)
        with protection(False):
            _, bare = self.ask(GET_SUBMISSION)
        assert checked - bare == expected

    @ddt.data(BY_USERNAME, BY_GROUP, NOBODY)
    def test_signed_in_request_writes_nothing(self, exemptions):
        with protection(True, **exemptions):
            self.client.force_login(self.user)
            sent, _ = self.ask("/dashboard")
        assert [sql for sql in sent if not sql.startswith("SELECT")] == []

    def test_anonymous_request_costs_nothing(self):
        with protection(True, **BY_BOTH):
            self.client.get("/login")
            session = self.client.session
            session["visited"] = True
            session.save()
            self.client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
            assert self.ask("/login")[1] == {}

    def test_request_that_does_not_read_its_session_costs_nothing(self):
        self.client.force_login(self.user)
        with protection(True, **BY_BOTH):
            assert self.ask("/single_login/exemptions.css") == ([], {})
