"""
Case 15 of the table of cases: with the check at every request, JWT cookies count only beside an accepted session.

A mixin to use with ``EveryRequestCases`` where a login sets JWT cookies, as on the platform.
"""

from base64 import urlsafe_b64encode

import ddt
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from edx_rest_framework_extensions.auth.jwt.cookies import (
    jwt_cookie_header_payload_name,
    jwt_cookie_name,
    jwt_cookie_signature_name,
)
from single_login_cases import BY_GROUP, protection


@ddt.ddt
class JwtCookieCases:
    """The cases. A subclass may name more APIs in ``apis``."""

    apis = ("/api/user/v1/me",)
    # The URL at which a login through another site starts, or None if there is none.
    by_another_site = "/auth/complete/another/"

    def answers(self, client, **headers):
        """Return the status of each API's answer to ``client``."""
        return {client.get(api, HTTP_USE_JWT_COOKIE="true", **headers).status_code for api in self.apis}

    def assert_the_session_counts(self, client):
        """Assert what ``client`` gets with the session of "other" and JWT cookies of ``self.user``."""
        assert client.get(self.apis[0], HTTP_USE_JWT_COOKIE="true").json() == {"username": "other"}

    def copy_of(self, client, *, with_session):
        """Return a browser with a copy of ``client``'s cookies, with or without the session's."""
        copy = self.client_class()
        for name, morsel in client.cookies.items():
            if with_session or name != settings.SESSION_COOKIE_NAME:
                copy.cookies[name] = morsel.value
        assert {jwt_cookie_header_payload_name(), jwt_cookie_signature_name()} <= copy.cookies.keys()
        return copy

    def copies_of(self, client):
        """Return two browsers: one with all of ``client``'s cookies, and one without the session's."""
        return [self.copy_of(client, with_session=with_session) for with_session in (True, False)]

    def token_of(self, client):
        """Return the JWT in ``client``'s cookies."""
        names = (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())
        return ".".join(client.cookies[name].value for name in names)

    def test_case_15_a_signed_in_browser_is_answered(self):
        client = self.new_client(self.user)
        assert self.answers(client) == {200}
        assert self.answers(self.copy_of(client, with_session=True)) == {200}

    def test_case_15_an_exempt_browser_is_answered_until_it_signs_out(self):
        with protection(True, **BY_GROUP):
            first, second = self.new_client(self.user), self.new_client(self.user)
            kept = self.copies_of(first)
            assert [self.answers(client) for client in (first, second)] == [{200}, {200}]
            self.sign_out(first)
            assert [self.answers(client) for client in (*kept, second)] == [{401}, {401}, {200}]

    def test_case_15_no_api_answers_an_evicted_browser(self):
        evicted = self.new_client(self.user)
        kept = self.copies_of(evicted)
        signed_in = self.new_client(self.user)
        assert [self.answers(client) for client in (evicted, *kept, signed_in)] == [{401}] * 3 + [{200}]

    def test_case_15_a_refusal_deletes_the_cookies_that_do_not_count(self):
        evicted = self.new_client(self.user)
        signed_in = self.new_client(self.user)
        for client, expected in ((evicted, 401), (signed_in, 200)):
            assert self.answers(client) == {expected}
            for name in (jwt_cookie_header_payload_name(), jwt_cookie_signature_name()):
                assert bool(client.cookies[name].value) == (expected == 200)

    def test_case_15_a_login_through_another_site_that_sets_the_cookies_first_works(self):
        if self.by_another_site is None:
            self.skipTest("Nobody signs in by another site here")
        client, url = self.new_client(), self.by_another_site
        for _ in range(6):
            if SESSION_KEY not in client.session:
                url = client.get(url).url
        assert self.answers(client) == {200}
        assert self.recorded() == self.key_of(client)

    def test_case_15_no_api_answers_cookies_that_were_kept_after_a_logout(self):
        client = self.new_client(self.user)
        kept = self.copies_of(client)
        self.sign_out(client)
        assert [self.answers(copy) for copy in kept] == [{401}] * 2

    @ddt.data(True, False)
    def test_case_15_with_a_session_of_another_account_the_session_counts(self, is_evicted):
        ours, theirs = self.new_client(self.user), self.new_client(self.create_user("other"))
        mixed = self.copy_of(ours, with_session=False)
        mixed.cookies[settings.SESSION_COOKIE_NAME] = theirs.cookies[settings.SESSION_COOKIE_NAME].value
        if is_evicted:
            self.new_client(self.user)
        self.assert_the_session_counts(mixed)
        assert self.answers(theirs) == {200}

    @ddt.data(1, 2)
    def test_case_15_cookies_without_a_token_sign_nobody_in(self, number):
        client = self.new_client(self.user)
        for browser, expected in ((client, 200), (self.client_class(), 401)):
            for name in (jwt_cookie_header_payload_name(), jwt_cookie_signature_name())[:number]:
                browser.cookies[name] = "no.token"
            assert self.answers(browser) == {expected}

    def test_case_15_a_token_that_is_nested_too_deep_is_ignored(self):
        client = self.new_client(self.user)
        client.cookies[jwt_cookie_name()] = f"{urlsafe_b64encode(b'[' * 2000).decode()}.e30.x"
        assert client.get(self.apis[0]).status_code == 200

    def test_case_15_a_whole_token_in_one_cookie_counts_only_with_a_session(self):
        token = self.token_of(self.new_client(self.user))
        for is_on, expected in ((True, 401), (False, 200)):
            client = self.client_class()
            client.cookies[settings.JWT_AUTH["JWT_AUTH_COOKIE"]] = token
            with protection(is_on):
                assert self.answers(client) == {expected}

    def test_case_15_a_token_in_the_authorization_header_is_not_touched(self):
        evicted = self.new_client(self.user)
        app, header = self.client_class(), {"HTTP_AUTHORIZATION": f"JWT {self.token_of(evicted)}"}
        self.new_client(self.user)
        assert [self.answers(client, **header) for client in (app, evicted)] == [{200}, {200}]

    def test_case_15_a_whole_token_with_an_empty_half_counts_only_with_its_session(self):
        token = self.token_of(self.new_client(self.user))
        client = self.new_client(self.create_user("other"))
        client.cookies[jwt_cookie_signature_name()] = ""
        client.cookies[jwt_cookie_name()] = token
        self.assert_the_session_counts(client)

    def test_case_15_with_the_protection_off_the_cookies_count(self):
        with protection(False):
            client = self.new_client(self.user)
            kept = self.copies_of(client)
            self.sign_out(client)
            assert [self.answers(copy) for copy in kept] == [{200}, {200}]

    def test_case_15_a_browser_that_was_evicted_can_sign_in_again(self):
        evicted = self.new_client(self.user)
        self.new_client(self.user)
        assert self.answers(evicted) == {401}
        assert self.sign_in(evicted, self.user).status_code == 200
        assert self.answers(evicted) == {200}
