"""Usernames, e-mail addresses and passwords that are too long are refused before any work is done on them."""

import unicodedata

import ddt
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.user_authn.views.tests.counted_work import counted_work, counting_hasher
from openedx.core.djangoapps.user_authn.views.tests.endpoints import ENDPOINTS, sign_in_at

MAXIMUM = 75
COMPOSED = "ệ" * MAXIMUM
# Slow to normalise, and longer than NFKC can make short enough.
MUCH_LONGER = "\u0316\u0300" * 500
VALIDATOR = "openedx.core.djangoapps.user_authn.password_policy_validators.MaximumLengthValidator"


@ddt.ddt
class LengthTest(TestCase):
    """The longest values still sign in."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.enterContext(counting_hasher())
        self.user = UserFactory(username="honor", email="honor@example.com", password="x" * MAXIMUM)

    @ddt.data(*((endpoint, password) for endpoint in ENDPOINTS for password in ("x" * (MAXIMUM + 1), MUCH_LONGER)))
    @ddt.unpack
    def test_longer_password_is_not_hashed(self, endpoint, password):
        plain = sign_in_at(endpoint, Client(), self.user, "wrong")
        with counted_work() as (hashed, _):
            response = sign_in_at(endpoint, Client(), self.user, password)
        assert hashed == []
        assert response.status_code == plain.status_code
        if endpoint != "sign_in_page":
            assert response.content == plain.content

    @ddt.data(*ENDPOINTS)
    def test_much_longer_password_is_not_normalised(self, endpoint):
        with counted_work() as (_, normalized):
            sign_in_at(endpoint, Client(), self.user, MUCH_LONGER)
        assert "_normalize" not in normalized

    @ddt.data(*ENDPOINTS)
    def test_longest_password_signs_in(self, endpoint):
        assert sign_in_at(endpoint, Client(), self.user, "x" * MAXIMUM).status_code in (200, 302)

    @ddt.data("NFC", "NFD")
    def test_longest_password_signs_in_composed_and_decomposed(self, form):
        self.user.set_password(COMPOSED)
        self.user.save()
        typed = unicodedata.normalize(form, COMPOSED)
        for endpoint in ENDPOINTS:
            assert sign_in_at(endpoint, Client(), self.user, typed).status_code in (200, 302)

    @ddt.data(*ENDPOINTS)
    def test_password_that_is_too_long_after_normalising_is_not_hashed(self, endpoint):
        with counted_work() as (hashed, _):
            assert sign_in_at(endpoint, Client(), self.user, "ﷺ" * MAXIMUM).status_code in (400, 401)
        assert hashed == []

    @ddt.data(
        ("/login_ajax", "email", 254),
        ("/api/user/v2/account/login_session/", "email_or_username", 254),
        ("/login", "email_or_username", 254),
        ("/xqueue/login/", "username", 150),
    )
    @ddt.unpack
    def test_identifier_longer_than_its_column_is_not_looked_up(self, path, field, column):
        for length, is_looked_up in ((column, True), (column + 1, False)):
            with counted_work() as (hashed, _), CaptureQueriesContext(connection) as statements:
                assert Client().post(path, {field: "x" * length, "password": "wrong"}).status_code in (400, 401)
            assert len(hashed) == is_looked_up
            assert any("auth_user" in statement["sql"] for statement in statements) is is_looked_up

    @ddt.data("x" * MAXIMUM, COMPOSED, unicodedata.normalize("NFD", COMPOSED))
    def test_forms_that_set_a_password_accept_the_longest(self, password):
        validate_password(password)

    @ddt.data("x" * (MAXIMUM + 1), COMPOSED + "x", "ﷺ" * MAXIMUM, MUCH_LONGER)
    def test_forms_that_set_a_password_refuse_a_longer_one(self, password):
        with self.assertRaisesMessage(ValidationError, "no more than 75 characters"):
            validate_password(password)

    def test_site_can_set_the_maximum(self):
        own = [{"NAME": VALIDATOR, "OPTIONS": {"max_length": 128}}]
        self.user.set_password("x" * 128)
        self.user.save()
        for endpoint in ("login_ajax", "xqueue"):
            with override_settings(AUTH_PASSWORD_VALIDATORS=own):
                assert sign_in_at(endpoint, Client(), self.user, "x" * 128).status_code == 200
                assert sign_in_at(endpoint, Client(), self.user, "x" * 129).status_code in (400, 401)
            with override_settings(AUTH_PASSWORD_VALIDATORS=[]):
                assert sign_in_at(endpoint, Client(), self.user, "x" * 128).status_code in (400, 401)
