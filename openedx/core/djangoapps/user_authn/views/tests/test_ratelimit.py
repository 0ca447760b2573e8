"""The limits on failed logins."""

from pathlib import Path

import ddt
import yaml
from django.conf import settings
from django.core.cache import cache
from django.test import Client, TestCase, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.single_login_cases import audit_lines
from openedx.core.djangoapps.user_authn.views.tests.test_login import ENDPOINTS, sign_in_at
from openedx.core.djangoapps.user_authn.views.tests.work import counted_work, counting_hasher

WRONG = "wrong"
# The limits are for a year, so that none is over in the middle of a test.
BY_ADDRESS = {"LOGISTRATION_RATELIMIT_RATE": "3/365d"}
BY_ACCOUNT = {"LOGISTRATION_PER_EMAIL_RATELIMIT_RATE": "3/365d"}
DOCUMENTED = yaml.safe_load((Path(settings.REPO_ROOT) / "docs" / "lms.yml").read_text())


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
    def test_attempts_over_the_limit_are_refused_without_hashing(self, endpoint, limit):
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

    def test_right_password_of_an_inactive_account_is_counted(self):
        gone = UserFactory(username="gone", is_active=False)
        with override_settings(**BY_ACCOUNT):
            assert self.answers(4, user=gone, password=TEST_PASSWORD) == ["wrong"] * 3 + ["limited"]

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

    def test_attempt_over_the_limit_is_not_audited_as_a_failed_login(self):
        with override_settings(**BY_ACCOUNT), audit_lines() as lines:
            self.answers(5)
        assert len(lines) == 3
