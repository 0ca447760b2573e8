"""
Logins and logouts through the views.

The first two classes show the two paths of single login: a login that is not exempt, and one that is. The next ones run
the table of cases (``single_login_cases``) at both levels and with every session engine. The rest is about the answers
of the login endpoints and the pages.
"""

import unicodedata
from unittest import mock

import ddt
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, OperationalError, connection
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.views.debug import SafeExceptionReporterFilter

from common.djangoapps.student.models import UserProfile, enforce_single_login
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.operators import lookups
from openedx.core.djangoapps.single_login.tests.level_settings import ENGINES, every_request, exempt_only
from openedx.core.djangoapps.single_login.tests.single_login_cases import (
    BY_GROUP,
    BY_USERNAME,
    GROUP,
    NOBODY,
    EveryRequestCases,
    SlotCases,
    audit_lines,
    protection,
)
from openedx.core.djangoapps.user_authn import attempts
from openedx.core.djangoapps.user_authn.views.tests.counted_work import counted_work, counting_hasher
from openedx.core.djangoapps.user_authn.views.tests.endpoints import ENDPOINTS, JSON_ENDPOINTS, sign_in_at

XQUEUE_API = "/xqueue/get_submission/"


def new_session(user, endpoint="login_ajax"):
    """Sign ``user`` in with a new browser. Return its client."""
    client = Client()
    assert sign_in_at(endpoint, client, user).status_code in (200, 302)
    return client


def is_signed_in(client):
    """Tell whether ``client`` may see a page that needs a session."""
    return client.get("/dashboard").status_code == 200


def key_on_record(user):
    """Return the session key that the profile of ``user`` has on record."""
    return UserProfile.objects.get(user=user).get_meta().get("session_id")


class NonExemptLoginTest(TransactionTestCase):
    """Logins of an account that no rule exempts: the last one wins."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor")

    def test_non_exempt_login_records_its_session(self):
        client = new_session(self.user)
        assert is_signed_in(client)
        assert key_on_record(self.user) == client.session.session_key

    def test_non_exempt_login_evicts_the_prior_session(self):
        prior, current = new_session(self.user), new_session(self.user)
        assert not is_signed_in(prior)
        assert is_signed_in(current)
        assert key_on_record(self.user) == current.session.session_key

    @override_settings(SINGLE_LOGIN_EXEMPT_USERNAMES=["xqwatcher"], SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"])
    def test_exempt_accounts_of_others_do_not_keep_a_non_exempt_session(self):
        prior, current = new_session(self.user), new_session(self.user)
        assert not is_signed_in(prior)
        assert is_signed_in(current)

    def test_non_exempt_login_keeps_the_sessions_of_other_accounts(self):
        other = new_session(UserFactory(username="other"))
        new_session(self.user)
        assert is_signed_in(other)

    def test_non_exempt_login_creates_a_missing_profile(self):
        user = UserFactory(profile=None)
        client = new_session(user)
        profile = UserProfile.objects.get(user=user)
        assert profile.name == user.username
        assert profile.get_meta() == {"session_id": client.session.session_key}

    def test_non_exempt_logout_ends_its_session_and_clears_the_record(self):
        client = new_session(self.user)
        client.get("/logout")
        assert not is_signed_in(client)
        assert key_on_record(self.user) is None


class ExemptLoginTest(TransactionTestCase):
    """Logins of an account that a rule exempts: every session is kept."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="xqwatcher", groups=["xqueue"])

    @override_settings(SINGLE_LOGIN_EXEMPT_USERNAMES=["xqwatcher"])
    def test_exempt_login_by_username_keeps_all_sessions(self):
        clients = [new_session(self.user) for _ in range(3)]
        assert [is_signed_in(client) for client in clients] == [True, True, True]

    @override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"])
    def test_exempt_login_by_group_keeps_all_sessions(self):
        clients = [new_session(self.user) for _ in range(3)]
        assert [is_signed_in(client) for client in clients] == [True, True, True]

    def test_exempt_login_does_not_touch_the_session_record(self):
        on_record = new_session(self.user)
        with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"]):
            new_session(self.user)
        assert is_signed_in(on_record)
        assert key_on_record(self.user) == on_record.session.session_key

    @override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"])
    def test_exempt_login_is_audited_with_its_rule(self):
        with audit_lines() as lines:
            new_session(self.user)
        assert f"Single login exempt - user.id: {self.user.pk} - SINGLE_LOGIN_EXEMPT_GROUPS: xqueue" in lines

    @override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"])
    def test_exempt_logout_ends_only_its_own_session(self):
        first, second = new_session(self.user), new_session(self.user)
        first.get("/logout")
        assert not is_signed_in(first)
        assert is_signed_in(second)

    def test_login_after_the_exemption_was_removed_evicts_the_prior_session(self):
        with override_settings(SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue"]):
            new_session(self.user)
        prior, current = new_session(self.user), new_session(self.user)
        assert not is_signed_in(prior)
        assert is_signed_in(current)


class LmsCases:
    """Run the table of cases with the receiver of this LMS. No failed login is left over from another test."""

    def setUp(self):
        super().setUp()
        cache.clear()

    enforce_single_login = staticmethod(enforce_single_login)


@ddt.ddt
class ExemptOnlyLmsCases(LmsCases, SlotCases):
    """The table, and a case of this level alone: at every request such a session ends before its logout."""

    @ddt.data("null", "{", "[" * 3000 + "]" * 3000)
    def test_case_17_a_logout_ends_the_session_if_the_record_cannot_be_read(self, meta):
        client = self.new_client(self.user)
        self.profiles.update(meta=meta)
        assert self.is_signed_in(client)
        self.sign_out(client)
        assert not self.is_signed_in(client)
        assert self.meta() == meta


class ExemptOnlyTest(ExemptOnlyLmsCases, TransactionTestCase):
    """Exempt only, with sessions in the database."""


@override_settings(**exempt_only("cached_db"))
class ExemptOnlyCachedDbTest(ExemptOnlyLmsCases, TransactionTestCase):
    """Exempt only, with sessions in the database behind a cache."""


@override_settings(**exempt_only("cache"))
class ExemptOnlyCacheTest(ExemptOnlyLmsCases, TransactionTestCase):
    """Exempt only, with sessions in the cache, as in production."""


@override_settings(**every_request("db"))
class EveryRequestTest(LmsCases, EveryRequestCases, TransactionTestCase):
    """With the check at every request, and sessions in the database."""


@override_settings(**every_request("cached_db"))
class EveryRequestCachedDbTest(LmsCases, EveryRequestCases, TransactionTestCase):
    """With the check at every request, and sessions in the database behind a cache."""


@override_settings(**every_request("cache"))
class EveryRequestCacheTest(LmsCases, EveryRequestCases, TransactionTestCase):
    """With the check at every request, and sessions in the cache, as in production."""


@override_settings(**every_request("file"))
class EveryRequestFileTest(LmsCases, EveryRequestCases, TransactionTestCase):
    """With the check at every request, and sessions in files."""


@override_settings(**every_request("signed_cookies"))
class EveryRequestSignedCookiesTest(LmsCases, EveryRequestCases, TransactionTestCase):
    """
    With the check at every request, and sessions in cookies.

    The claim of such a session is a random string, not its key.
    """

    # The platform's record of such a session is not a claim.
    test_case_13_the_session_that_the_platform_recorded_is_accepted = None
    # A session in a cookie cannot be deleted: no eviction is announced, and a kept cookie is valid again with the
    # exemption (docs/reliability.rst).
    test_case_1_an_eviction_is_audited_once_without_a_session_key = None
    test_case_1_a_signal_tells_of_a_session_that_is_ended = None
    test_case_8_an_ended_session_does_not_come_back_with_the_exemption_1 = None
    test_case_8_an_ended_session_does_not_come_back_with_the_exemption_2 = None

    can_delete_sessions = False

    def key_in(self, session):
        return session.get("single_login_claim", session.session_key)


@ddt.ddt
class EveryEndpointTest(TransactionTestCase):
    """Single login works the same at every endpoint."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(is_staff=True, groups=[GROUP])

    @ddt.data(*ENDPOINTS)
    def test_non_exempt_login_evicts_the_prior_session(self, endpoint):
        prior, current = new_session(self.user, endpoint), new_session(self.user, endpoint)
        assert not is_signed_in(prior)
        assert is_signed_in(current)

    @ddt.data("edx_django_utils.monitoring.NewRelicBackend", 5)
    @override_settings(**BY_GROUP)
    def test_fault_of_monitoring_is_logged_and_fails_no_login(self, backends):
        with (
            override_settings(OPENEDX_TELEMETRY=backends),
            self.assertLogs("django.db.backends.base", "ERROR") as logged,
        ):
            clients = [new_session(self.user, endpoint) for endpoint in ENDPOINTS]
        assert all(is_signed_in(client) for client in clients)
        assert len(logged.records) == len(clients)
        assert all(record.exc_info for record in logged.records)

    @ddt.data(*ENDPOINTS)
    @override_settings(**BY_GROUP)
    def test_exempt_login_keeps_all_sessions(self, endpoint):
        clients = [new_session(self.user, endpoint) for _ in range(2)]
        assert [is_signed_in(client) for client in clients] == [True, True]

    def test_xqueue_refuses_an_evicted_grader(self):
        submission = {"queue_name": "test-queue"}
        evicted = new_session(self.user, "xqueue")
        assert evicted.get(XQUEUE_API, submission).status_code == 200
        new_session(self.user, "xqueue")
        assert evicted.get(XQUEUE_API, submission).status_code in (401, 403)

    @override_settings(**BY_GROUP)
    def test_xqueue_logout_of_an_exempt_grader_ends_only_its_own_session(self):
        first, second = new_session(self.user, "xqueue"), new_session(self.user, "xqueue")
        assert first.post("/xqueue/logout/").status_code == 200
        assert not is_signed_in(first)
        assert is_signed_in(second)

    @ddt.data(
        {"headers": {"X-Single-Login-Exempt": "true"}},
        {"query_params": {"SINGLE_LOGIN_EXEMPT_GROUPS": GROUP}},
        {"headers": {"X-Forwarded-User": "xqwatcher", "Remote-User": "xqwatcher"}},
    )
    @override_settings(**BY_USERNAME)
    def test_client_cannot_exempt_itself_by_what_it_sends(self, extra):
        prior = new_session(self.user)
        extra_fields = {"groups": "xqueue", "username": "xqwatcher", "is_exempt": "true"}
        credentials = {"email": self.user.email, "password": TEST_PASSWORD}
        assert Client().post("/login_ajax", {**extra_fields, **credentials}, **extra).status_code == 200
        assert not is_signed_in(prior)


@ddt.ddt
class CheckedSessionTest(TransactionTestCase):
    """Requests with the check at every request."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(groups=[GROUP])

    @ddt.data(True, False)
    @override_settings(**every_request())
    def test_case_9_session_is_checked_only_while_the_protection_is_on(self, is_on):
        client = new_session(self.user)
        UserProfile.objects.update(meta='{"session_id": "another"}')
        with protection(is_on), self.settings(SESSION_SAVE_EVERY_REQUEST=True):
            assert is_signed_in(client) is not is_on

    @ddt.data("db", "cached_db", "cache")
    def test_database_error_in_the_check_is_a_server_error_and_the_session_survives(self, engine):
        def lose_connection(execute, sql, *arguments):
            if "auth_userprofile" in sql:
                raise OperationalError("Lost connection")
            return execute(sql, *arguments)

        with override_settings(**every_request(engine)):
            client = new_session(self.user)
            client.raise_request_exception = False
            with connection.execute_wrapper(lose_connection):
                assert client.get("/dashboard").status_code == 500
            assert is_signed_in(client)

    @ddt.data(*ENGINES)
    def test_case_8_session_is_deleted_and_audited_once_in_requests_that_are_rolled_back(self, engine):
        self.enterContext(mock.patch.dict(connection.settings_dict, ATOMIC_REQUESTS=True))
        with override_settings(**every_request(engine)):
            with override_settings(**BY_GROUP):
                client = new_session(self.user)
            with audit_lines() as lines:
                # A view of Django REST framework, which rolls the transaction back when it answers 403.
                assert [client.get(XQUEUE_API).status_code for _ in range(5)] == [403] * 5
            assert [line.endswith("no longer exempt") for line in lines] == [True]
            with override_settings(**BY_GROUP):
                assert not is_signed_in(client)


@ddt.ddt
class LoginTest(TestCase):
    """The answers of the login endpoints."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor", email="honor@example.com")

    @ddt.data(*JSON_ENDPOINTS)
    def test_login_signs_in(self, endpoint):
        response = sign_in_at(endpoint, self.client, self.user)
        assert response.status_code == 200
        assert response.json() == {"success": True, "redirect_url": None}
        assert "csrftoken" in response.cookies
        assert self.client.get("/dashboard").status_code == 200

    def test_v2_accepts_an_email_address(self):
        data = {"email_or_username": self.user.email, "password": TEST_PASSWORD}
        assert self.client.post(ENDPOINTS["login_session_v2"][0], data).status_code == 200

    def test_v1_refuses_a_username(self):
        response = self.client.post("/login_ajax", {"email": self.user.username, "password": TEST_PASSWORD})
        assert response.json()["error_code"] == "incorrect-email-or-password"

    @ddt.data(
        *(
            (endpoint, sent)
            for endpoint in ("login_ajax", "login_session_v1", "login_session_v2")
            for sent in ("honor@example.com", "unknown@example.com", "")
        )
    )
    @ddt.unpack
    def test_login_with_wrong_credentials_fails(self, endpoint, sent):
        path, field, _ = ENDPOINTS[endpoint]
        response = self.client.post(path, {field: sent, "password": "wrong"})
        assert response.status_code == 400
        message = "There was an error receiving your login information. Please try again."
        refusal = {"value": message}
        if sent:
            refusal = {"value": "Email or password is incorrect.", "error_code": "incorrect-email-or-password"}
        assert response.json() == {"success": False, "email": sent, **refusal}
        assert "csrftoken" in response.cookies

    @ddt.data(*JSON_ENDPOINTS)
    def test_answers_are_not_cached(self, endpoint):
        responses = [sign_in_at(endpoint, self.client, self.user, password) for password in ("wrong", TEST_PASSWORD)]
        responses.append(self.client.get(ENDPOINTS[endpoint][0]))
        assert ["no-store" in response.headers["Cache-Control"] for response in responses] == [True] * 3

    @ddt.data({}, {"email": "honor@example.com"}, {"password": "x"})
    def test_missing_field_is_refused_with_a_message(self, data):
        response = self.client.post("/login_ajax", data)
        assert response.status_code == 400
        assert response.json()["value"] == "There was an error receiving your login information. Please try again."
        assert "error_code" not in response.json()

    @ddt.data(
        (TEST_PASSWORD, "inactive-user", "Your account is not active. Please contact support."),
        ("wrong", "incorrect-email-or-password", "Email or password is incorrect."),
    )
    @ddt.unpack
    def test_inactive_account_is_reported_only_with_the_right_password(self, password, code, message):
        UserFactory(username="gone", email="gone@example.com", is_active=False)
        response = self.client.post("/login_ajax", {"email": "gone@example.com", "password": password})
        assert (response.json()["error_code"], response.json()["value"]) == (code, message)
        assert "_auth_user_id" not in self.client.session

    def test_email_address_of_two_accounts_is_refused(self):
        UserFactory(username="twin", email=self.user.email)
        assert sign_in_at("login_ajax", self.client, self.user).status_code == 400

    @ddt.data("honor@example.com", "gone@example.com", "unknown@example.com")
    def test_every_attempt_hashes_exactly_one_password(self, email):
        UserFactory(username="gone", email="gone@example.com", is_active=False)
        with counting_hasher():
            for user in type(self.user).objects.all():
                user.set_password(TEST_PASSWORD)
                user.save()
            with counted_work() as (hashed, _):
                self.client.post("/login_ajax", {"email": email, "password": "wrong"})
        assert len(hashed) == 1

    @ddt.data("login_ajax", "sign_in_page", "xqueue")
    def test_database_error_during_a_login_is_a_server_error(self, endpoint):
        self.client.raise_request_exception = False
        with connection.execute_wrapper(lose_last_login):
            assert sign_in_at(endpoint, self.client, self.user).status_code == 500

    def test_database_error_during_a_login_to_an_unknown_account_is_raised(self):
        statements = []

        def lose_second_look(execute, sql, *arguments):
            statements.extend([sql] if "auth_user" in sql else [])
            if len(statements) == 2:
                raise OperationalError("Lost connection")
            return execute(sql, *arguments)

        with connection.execute_wrapper(lose_second_look), self.assertRaises(DatabaseError):
            sign_in_at("xqueue", self.client, UserFactory.build())

    @ddt.data(*ENDPOINTS)
    def test_error_report_hides_the_password(self, endpoint):
        self.client.raise_request_exception = False
        with connection.execute_wrapper(lose_last_login):
            request = sign_in_at(endpoint, self.client, self.user).wsgi_request
        sent = SafeExceptionReporterFilter().get_post_parameters(request)
        assert request.POST["password"] == TEST_PASSWORD
        assert TEST_PASSWORD not in sent.values()

    def test_password_is_normalised(self):
        composed = "Pä\ufb01ssword"
        self.user.password = make_password(unicodedata.normalize("NFKC", composed))
        self.user.save()
        for form in ("NFC", "NFD", "NFKC"):
            assert (
                sign_in_at("login_ajax", Client(), self.user, unicodedata.normalize(form, composed)).status_code == 200
            )

    def test_session_expires_after_four_weeks(self):
        sign_in_at("login_ajax", self.client, self.user)
        assert self.client.session.get_expiry_age() == 4 * 7 * 24 * 60 * 60

    def test_login_with_the_protection_off_creates_no_profile(self):
        user = UserFactory(profile=None)
        with protection(False):
            sign_in_at("login_ajax", self.client, user)
        assert not UserProfile.objects.filter(user=user).exists()

    @ddt.data("/login_ajax", "/api/user/v1/account/login_session/", "/login", "/logout")
    def test_post_without_csrf_token_is_refused(self, path):
        client = Client(enforce_csrf_checks=True)
        data = {"email": self.user.email, "email_or_username": self.user.email, "password": TEST_PASSWORD}
        assert client.post(path, data).status_code == 403
        client.get("/api/user/v1/account/login_session/")
        token = client.cookies["csrftoken"].value
        assert client.post(path, data, headers={"X-CSRFToken": token}).status_code in (200, 302)

    def test_login_ajax_allows_only_post(self):
        assert self.client.get("/login_ajax").status_code == 405

    @ddt.data(("v1", "email"), ("v2", "email_or_username"))
    @ddt.unpack
    def test_get_describes_the_login_form(self, version, field):
        path = f"/api/user/{version}/account/login_session/"
        response = self.client.get(path)
        form = response.json()
        assert (form["method"], form["submit_url"]) == ("post", path)
        assert [(each["name"], each["type"], each["required"]) for each in form["fields"]] == [
            (field, "text", True),
            ("password", "password", True),
        ]
        assert "csrftoken" in response.cookies

    def test_unknown_api_version_is_not_found(self):
        assert self.client.get("/api/user/v3/account/login_session/").status_code == 404

    @ddt.data(
        (True, "Login success - user.id: {id}"),
        (False, "Login success - honor (honor@example.com)"),
    )
    @ddt.unpack
    def test_logins_and_logouts_are_audited(self, squelch, expected):
        with protection(False), self.settings(FEATURES={"SQUELCH_PII_IN_LOGS": squelch}), audit_lines() as lines:
            sign_in_at("login_ajax", self.client, self.user)
            self.client.get("/logout")
            self.client.get("/logout")
        login = expected.format(id=self.user.pk)
        assert lines == [login, login.replace("Login success", "Logout")]

    @ddt.data(
        (TEST_PASSWORD, "Login failed - Inactive account - gone"),
        ("wrong", "Login failed - Unknown user or incorrect password - 'gone@example.com'"),
    )
    @ddt.unpack
    def test_login_to_an_inactive_account_is_audited_with_the_reason(self, password, expected):
        UserFactory(username="gone", email="gone@example.com", is_active=False)
        with self.settings(FEATURES={"SQUELCH_PII_IN_LOGS": False}), audit_lines() as lines:
            self.client.post("/login_ajax", {"email": "gone@example.com", "password": password})
        assert lines == [expected]

    @ddt.data(True, False)
    def test_all_authentication_backends_are_asked_in_order(self, refuses):
        backend = f"{__name__}.{(RefusingBackend if refuses else AcceptingBackend).__name__}"
        with override_settings(AUTHENTICATION_BACKENDS=[backend, "django.contrib.auth.backends.ModelBackend"]):
            password = TEST_PASSWORD if refuses else "not in the database"
            response = sign_in_at("login_ajax", self.client, self.user, password)
        assert response.status_code == (400 if refuses else 200)

    @ddt.data(True, False)
    def test_failed_login_is_audited_without_the_password(self, squelch):
        with self.settings(FEATURES={"SQUELCH_PII_IN_LOGS": squelch}), audit_lines() as lines:
            sign_in_at("login_ajax", self.client, self.user, "hunter2")
        assert len(lines) == 1
        assert lines[0].startswith("Login failed - ")
        assert ("honor" in lines[0]) is not squelch
        assert "hunter2" not in lines[0]

    def test_errors_about_characters_are_the_same_as_in_the_report(self):
        assert attempts.CHARACTER_ERRORS == lookups.CHARACTER_ERRORS


def lose_last_login(execute, sql, *arguments):
    """Raise an error when a login updates ``last_login``. To be used with ``connection.execute_wrapper``."""
    if sql.startswith("UPDATE") and "last_login" in sql:
        raise OperationalError("Lost connection")
    return execute(sql, *arguments)


class RefusingBackend(ModelBackend):
    """Refuses everybody, without asking the backends after it."""

    def authenticate(self, request, **credentials):
        raise PermissionDenied


class AcceptingBackend(ModelBackend):
    """Accepts every password that is sent to ``/login_ajax``."""

    def authenticate(self, request, username, password):
        return get_user_model().objects.get(username=username) if request.path == "/login_ajax" else None


@ddt.ddt
class SignInPageTest(TestCase):
    """The sign-in page, the logout page and the dashboard."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor")

    def post(self, **data):
        return self.client.post("/login", {"email_or_username": "honor", "password": TEST_PASSWORD, **data})

    def test_signing_in_redirects_to_the_dashboard(self):
        self.assertRedirects(self.post(), "/dashboard")
        assert self.client.get("/login").url == "/dashboard"

    def test_password_may_end_in_a_space(self):
        self.user.set_password("ends in a space ")
        self.user.save()
        assert self.post(password="ends in a space").status_code == 400
        self.assertRedirects(self.post(password="ends in a space "), "/dashboard")

    @ddt.data(
        ("/admin/", "/admin/"),
        ("/dashboard?tab=1", "/dashboard?tab=1"),
        ("https://evil.example.com/", "/dashboard"),
        ("//evil.example.com/", "/dashboard"),
        ("/\\evil.example.com", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
        ("", "/dashboard"),
    )
    @ddt.unpack
    def test_next_is_followed_only_to_pages_of_this_site(self, target, expected):
        assert self.post(next=target).url == expected
        assert self.client.get("/login", {"next": target}).url == expected

    @ddt.data((True, "/dashboard"), (False, "http://testserver/admin/"))
    @ddt.unpack
    def test_next_may_lead_to_plain_http_only_from_plain_http(self, secure, expected):
        sent = {"email_or_username": "honor", "password": TEST_PASSWORD, "next": "http://testserver/admin/"}
        assert self.client.post("/login", sent, secure=secure).url == expected
        assert self.client.get("/login", {"next": sent["next"]}, secure=secure).url == expected

    @ddt.data("/login", "/logout")
    def test_pages_are_not_cached(self, path):
        assert "no-store" in self.client.get(path).headers["Cache-Control"]

    @ddt.data(
        ({"password": "wrong"}, ["email_or_username", "password"]),
        ({"email_or_username": ""}, ["email_or_username"]),
        ({"password": ""}, ["password"]),
        ({"email_or_username": "", "password": ""}, ["email_or_username", "password"]),
        ({"email_or_username": "nul\0"}, ["email_or_username"]),
    )
    @ddt.unpack
    def test_error_message_comes_first_has_the_focus_and_describes_the_fields_at_fault(self, sent, at_fault):
        page = self.post(**sent).content.decode()
        message, heading = page.index('id="login-error" tabindex="-1" autofocus'), page.index("<h1>")
        assert page.index("<main") < message < heading
        assert "<title>Not signed in: Sign in |" in page
        fields = {name: page.split(f'name="{name}"')[1].split(">")[0] for name in ("email_or_username", "password")}
        tied = [name for name, field in fields.items() if 'aria-describedby="login-error"' in field]
        assert tied == at_fault
        assert tied == [name for name, field in fields.items() if 'aria-invalid="true"' in field]

    def test_fresh_page_has_both_fields_and_shows_no_error(self):
        page = self.client.get("/login").content.decode()
        assert "<title>Sign in |" in page
        assert 'name="email_or_username"' in page
        assert 'name="password"' in page
        assert "aria-invalid" not in page
        assert "login-error" not in page

    def test_wrong_password_is_reported_on_the_page(self):
        response = self.post(password="wrong", next="/admin/")
        assert response.status_code == 400
        self.assertContains(response, "Email or password is incorrect.", status_code=400)
        self.assertContains(response, 'value="/admin/"', status_code=400)
        self.assertNotContains(response, "wrong", status_code=400)

    def test_empty_form_is_reported_on_the_page(self):
        response = self.post(email_or_username="", password="")
        self.assertContains(response, "Enter your email or username.", status_code=400)
        self.assertContains(response, "Enter your password.", status_code=400)

    def test_input_is_escaped(self):
        response = self.post(email_or_username="<script>alert(1)</script>", password="x")
        self.assertNotContains(response, "<script>alert", status_code=400)

    @ddt.data("/login", "/logout")
    def test_pages_use_no_script_and_nothing_from_other_sites(self, path):
        response = self.client.get(path)
        self.assertNotContains(response, "<script")
        self.assertNotContains(response, "//")
        self.assertNotContains(response, "style=")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]

    def test_dashboard_redirects_visitors_to_the_sign_in_page(self):
        self.assertRedirects(self.client.get("/dashboard"), "/login?next=/dashboard")

    def test_logout_by_get_and_by_post_ends_the_session(self):
        for method in (self.client.get, self.client.post):
            self.post()
            response = method("/logout")
            self.assertContains(response, "You are signed out")
            assert self.client.get("/dashboard").status_code == 302

    @ddt.data(
        (NOBODY, True, "One session."),
        ({"SINGLE_LOGIN_EXEMPT_USERNAMES": ["honor"]}, True, "SINGLE_LOGIN_EXEMPT_USERNAMES"),
        ({"SINGLE_LOGIN_EXEMPT_GROUPS": ["xqueue"]}, True, "SINGLE_LOGIN_EXEMPT_GROUPS"),
        ({"SINGLE_LOGIN_EXEMPT_USERNAMES": ["honor"]}, False, "Off:"),
    )
    @ddt.unpack
    def test_dashboard_tells_whether_the_account_is_exempt(self, exemptions, is_on, expected):
        self.user = UserFactory(username="honor", groups=["xqueue"])
        with protection(is_on, **exemptions):
            self.post()
            self.assertContains(self.client.get("/dashboard"), expected)


class TransactionHasher(MD5PasswordHasher):
    """Records whether a transaction was open while it verified a password."""

    in_transaction = []

    def verify(self, password, encoded):
        self.in_transaction.append(connection.in_atomic_block)
        return super().verify(password, encoded)


@ddt.ddt
@override_settings(PASSWORD_HASHERS=[f"{__name__}.{TransactionHasher.__name__}"])
class HashingTest(TransactionTestCase):
    """Hashing a password is slow. No transaction may be open while it runs."""

    @ddt.data(*ENDPOINTS)
    def test_no_transaction_is_open_while_a_password_is_hashed(self, endpoint):
        TransactionHasher.in_transaction.clear()
        sign_in_at(endpoint, Client(), UserFactory())
        assert TransactionHasher.in_transaction == [False]
