"""The limits on failed logins."""

import re
from pathlib import Path

import ddt
import yaml
from django.conf import settings
from django.core.cache import cache
from django.test import Client, TestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.single_login_cases import audit_lines
from openedx.core.djangoapps.user_authn.views.tests.counted_work import counted_work, counting_hasher
from openedx.core.djangoapps.user_authn.views.tests.endpoints import ENDPOINTS, sign_in_at

WRONG = "wrong"
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
FORGETFUL = {"default": {"BACKEND": "openedx.core.djangoapps.heartbeat.tests.forgetful_cache.ForgetfulCache"}}
# The limits are for a year, so that none is over in the middle of a test.
BY_ADDRESS = {"LOGISTRATION_RATELIMIT_RATE": "3/365d"}
BY_ACCOUNT = {"LOGISTRATION_PER_EMAIL_RATELIMIT_RATE": "3/365d"}
DOCS = Path(settings.REPO_ROOT) / "docs"
DOCUMENTED = yaml.safe_load((DOCS / "lms.yml").read_text())
GUIDE = (DOCS / "production.rst").read_text()


def generalised(line):
    """Return an audit line with every account and limit as N."""
    return re.sub(r"(user\.id|too often): \d+", r"\1: N", line)


def rate_by_browser(group, request):
    """Return the rate for a request: a function that a rate setting may name."""
    return "2/365d" if request.META.get("HTTP_USER_AGENT") == "slow" else "100/365d"


@ddt.ddt
class RateLimitTest(TestCase):
    """Failed attempts are counted by address, by account and address, and by account."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.user = UserFactory(username="honor", email="honor@example.com")

    def attempt(self, endpoint="login_ajax", password=WRONG, address="8.8.8.8", user=None, **extra):
        """Try to sign in. Return "in", "wrong" or "limited"."""
        client = Client(REMOTE_ADDR=address, **extra)
        response = sign_in_at(endpoint, client, user or self.user, password)
        if response.status_code in (200, 302):
            return "in"
        return "limited" if b"Too many failed login attempts" in response.content else "wrong"

    def answers(self, attempts, **kwargs):
        return [self.attempt(**kwargs) for _ in range(attempts)]

    @ddt.data(*((endpoint, limit) for endpoint in ENDPOINTS for limit in (BY_ADDRESS, BY_ACCOUNT)))
    @ddt.unpack
    def test_attempts_over_the_limit_are_limited_without_hashing(self, endpoint, limit):
        with override_settings(**limit), counting_hasher():
            assert self.answers(3, endpoint=endpoint) == ["wrong"] * 3
            with counted_work() as (hashed, _):
                assert self.attempt(endpoint) == "limited"
                assert self.attempt(endpoint, TEST_PASSWORD) == "limited"
        assert hashed == []

    @ddt.data(*ENDPOINTS)
    def test_successful_logins_are_not_counted(self, endpoint):
        with override_settings(LOGISTRATION_RATELIMIT_RATE="1/365d", LOGISTRATION_PER_EMAIL_RATELIMIT_RATE="1/365d"):
            assert self.answers(5, endpoint=endpoint, password=TEST_PASSWORD) == ["in"] * 5

    def test_all_endpoints_share_one_count(self):
        with override_settings(**BY_ACCOUNT):
            assert [self.attempt(endpoint) for endpoint in ("xqueue", "login_ajax", "sign_in_page")] == ["wrong"] * 3
            assert self.attempt("login_session_v2") == "limited"

    @ddt.data("LOGISTRATION_RATELIMIT_RATE", "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE")
    def test_rate_may_be_a_function_of_the_request(self, setting):
        with override_settings(**{setting: f"{__name__}.{rate_by_browser.__name__}"}):
            assert self.answers(4, HTTP_USER_AGENT="slow") == ["wrong"] * 2 + ["limited"] * 2
            assert self.answers(4, address="9.9.9.9") == ["wrong"] * 4

    @ddt.data(*ENDPOINTS)
    def test_account_limited_for_one_address_can_sign_in_from_another(self, endpoint):
        with override_settings(**BY_ACCOUNT):
            self.answers(4, endpoint=endpoint)
            assert self.attempt(endpoint, TEST_PASSWORD, address="9.9.9.9") == "in"

    def test_account_is_limited_for_all_addresses_at_ten_times_the_rate(self):
        with override_settings(**BY_ACCOUNT):
            for n in range(9):
                assert self.answers(3, address=f"9.9.9.{n}") == ["wrong"] * 3
            assert self.attempt(password=TEST_PASSWORD, address="8.8.8.8") == "in"
            assert self.answers(3, address="9.9.9.9") == ["wrong"] * 3
            assert self.attempt(password=TEST_PASSWORD, address="8.8.8.8") == "limited"

    def test_address_is_limited_for_every_account(self):
        with override_settings(**BY_ADDRESS):
            for n in range(3):
                assert self.attempt(user=UserFactory.build(email=f"unknown{n}@example.com")) == "wrong"
            assert self.attempt(password=TEST_PASSWORD) == "limited"
            assert self.attempt(password=TEST_PASSWORD, address="9.9.9.9") == "in"

    @ddt.data("unknown@example.com", " unknown@example.com ", "Unknown@EXAMPLE.com")
    def test_unknown_identifier_is_counted_without_regard_to_case_and_space(self, spelling):
        with override_settings(**BY_ACCOUNT):
            assert self.answers(3, user=UserFactory.build(email="unknown@example.com")) == ["wrong"] * 3
            assert self.attempt(user=UserFactory.build(email=spelling)) == "limited"
            assert self.attempt(user=UserFactory.build(email="another@example.com")) == "wrong"

    def test_username_and_email_of_one_account_share_one_count(self):
        with override_settings(**BY_ACCOUNT):
            assert [self.attempt("sign_in_page"), self.attempt("login_session_v2"), self.attempt("xqueue")] == [
                "wrong"
            ] * 3
            assert self.attempt("login_ajax") == "limited"

    @ddt.data(*ENDPOINTS)
    def test_right_password_of_an_inactive_account_is_not_counted(self, endpoint):
        gone = UserFactory(username="gone", is_active=False)
        with override_settings(**BY_ACCOUNT), audit_lines() as lines:
            assert self.answers(4, endpoint=endpoint, user=gone, password=TEST_PASSWORD) == ["wrong"] * 4
            assert self.answers(4, endpoint=endpoint, user=gone) == ["wrong"] * 3 + ["limited"]
        assert lines[:4] == [f"Login failed - Inactive account - user.id: {gone.pk}"] * 4

    @ddt.data(
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "limited"),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", "wrong"),
        ("8.8.8.8", "::ffff:8.8.8.8", "limited"),
        ("8.8.8.8", "8.8.8.9", "wrong"),
        ("::ffff:8.8.8.8", "::ffff:8.8.8.9", "wrong"),
        ("", "", "limited"),
        ("fe80::1%eth0", "fe80::1%eth0", "limited"),
    )
    @ddt.unpack
    def test_addresses_of_one_network_share_one_count(self, first, second, expected):
        with override_settings(**BY_ADDRESS):
            self.answers(3, address=first)
            assert self.attempt(address=second) == expected

    @ddt.data("9.9.9.{}, 10.1.1.1", "9.9.9.{}, 7.7.7.7, 10.1.1.1", "nonsense {}, 10.1.1.1", "9.9.9.{}, 2001:db8::1")
    def test_forged_header_has_no_effect_behind_the_documented_proxy(self, header):
        documented = {"CLOSEST_CLIENT_IP_FROM_HEADERS": DOCUMENTED["CLOSEST_CLIENT_IP_FROM_HEADERS"]}
        with override_settings(**BY_ADDRESS, **documented):
            forged = [
                self.attempt(address="127.0.0.1", headers={"X-Forwarded-For": header.format(n)}) for n in range(4)
            ]
            assert forged == ["wrong"] * 3 + ["limited"]
            assert self.attempt(address="127.0.0.1", headers={"X-Forwarded-For": "10.1.1.2"}) == "wrong"

    @ddt.data(*ENDPOINTS)
    def test_each_count_has_its_own_rate(self, endpoint):
        rates = {"LOGISTRATION_RATELIMIT_RATE": "4/300d", "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE": "2/365d"}
        other, unknown = UserFactory(), UserFactory.build()
        with override_settings(**rates):
            of_account_and_address = self.answers(3, endpoint=endpoint)
            of_address = [*self.answers(2, endpoint=endpoint, user=other), self.attempt(endpoint, user=unknown)]
            of_account = [self.attempt(endpoint, address=f"9.9.9.{n}") for n in range(19)]
        assert of_account_and_address == ["wrong"] * 2 + ["limited"]
        assert of_address == ["wrong"] * 2 + ["limited"]
        assert of_account == ["wrong"] * 18 + ["limited"]

    @ddt.data(*ENDPOINTS)
    def test_attempt_over_the_limit_is_audited_once_with_account_address_and_limit(self, endpoint):
        with override_settings(**BY_ACCOUNT), audit_lines() as lines:
            self.answers(5, endpoint=endpoint)
        refused = (
            f"Login limited - user.id: {self.user.pk} - 8.8.8.8"
            " - failed too often: 3 by account and address (LOGISTRATION_PER_EMAIL_RATELIMIT_RATE)"
        )
        assert lines == ["Login failed - Unknown user or incorrect password"] * 3 + [refused] * 2

    @ddt.data(
        (BY_ADDRESS, "3 by address (LOGISTRATION_RATELIMIT_RATE)"),
        (BY_ACCOUNT, "3 by account and address (LOGISTRATION_PER_EMAIL_RATELIMIT_RATE)"),
    )
    @ddt.unpack
    def test_audit_line_names_the_limit_that_was_reached(self, limit, expected):
        with override_settings(**limit), audit_lines() as lines:
            self.answers(4, address="2001:db8:0:1::1")
        assert lines[3].endswith(f" - 2001:db8:0:1::/64 - failed too often: {expected}")

    def test_audit_line_names_the_limit_of_an_account_for_all_addresses(self):
        with override_settings(LOGISTRATION_PER_EMAIL_RATELIMIT_RATE="1/365d"), audit_lines() as lines:
            for n in range(11):
                self.attempt(address=f"9.9.9.{n}")
        limit = "10 by account (LOGISTRATION_PER_EMAIL_RATELIMIT_RATE)"
        assert lines[10].endswith(f" - 9.9.9.10 - failed too often: {limit}")

    @ddt.data(
        (True, "honor@example.com", "user.id: {id}"),
        (False, "honor@example.com", "honor"),
        (True, "unknown@example.com", "unknown account"),
        (False, "unknown\n@example.com", "'unknown\\n@example.com'"),
    )
    @ddt.unpack
    def test_audit_line_names_the_account_as_the_other_lines_do(self, squelch, email, expected):
        flags = {"SQUELCH_PII_IN_LOGS": squelch, "PREVENT_CONCURRENT_LOGINS": True}
        with override_settings(FEATURES=flags, **BY_ACCOUNT), audit_lines() as lines:
            self.answers(4, user=UserFactory.build(email=email))
        assert lines[3].startswith(f"Login limited - {expected.format(id=self.user.pk)} - 8.8.8.8 - ")

    def test_audit_lines_are_those_of_the_guide(self):
        UserFactory(username="gone", email="gone@example.com", is_active=False)
        with audit_lines() as lines:
            self.attempt(user=UserFactory.build(email="gone@example.com"), password=TEST_PASSWORD)
            with override_settings(**BY_ACCOUNT):
                self.answers(4, address="203.0.113.5")
            with override_settings(**BY_ADDRESS):
                self.answers(4, address="203.0.113.7", user=UserFactory.build(email="unknown@example.com"))
        assert {generalised(line) for line in lines} == {
            generalised(line.strip()) for line in GUIDE.splitlines() if line.startswith("    Login ")
        }

    @ddt.data(*ENDPOINTS)
    def test_no_password_is_checked_while_failures_cannot_be_counted(self, endpoint):
        forgetful = override_settings(CACHES=FORGETFUL)
        with forgetful, counting_hasher(), audit_lines() as lines, counted_work() as (hashed, _):
            answers = [sign_in_at(endpoint, Client(), self.user, each) for each in (WRONG, TEST_PASSWORD)]
        assert [answer.status_code for answer in answers] == [503, 503]
        assert b"Signing in is not possible at the moment. Try again later." in answers[0].content
        assert hashed == []
        assert len(lines) == 2
        assert "cannot be counted" in lines[0]

    @override_settings(CACHES=FORGETFUL, RATELIMIT_FAIL_OPEN=True)
    def test_site_may_prefer_logins_that_are_not_counted(self):
        with audit_lines() as lines:
            assert self.answers(2) == ["wrong"] * 2
            assert self.attempt(password=TEST_PASSWORD) == "in"
        assert len([line for line in lines if "cannot be counted" in line]) == 3

    @override_settings(CACHES=FORGETFUL, RATELIMIT_ENABLE=False)
    def test_site_without_limits_needs_no_cache_to_count(self):
        assert self.attempt(password=TEST_PASSWORD) == "in"

    @override_settings(CACHES={**FORGETFUL, "counts": {"BACKEND": LOCMEM}}, RATELIMIT_USE_CACHE="counts", **BY_ACCOUNT)
    def test_failures_are_counted_in_the_cache_that_the_site_names(self):
        assert self.answers(4) == ["wrong"] * 3 + ["limited"]
