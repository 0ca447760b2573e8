"""The cases of a released platform at exempt only: a guard before the platform's method, and nothing else of ours."""

from importlib import import_module

import ddt
from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.test import override_settings
from single_login_cases import BY_BOTH, BY_GROUP, BY_USERNAME, SingleLoginCases, receivers_of
from statements import Statements

GROUP_TABLE = '"auth_group"'
OTHERS_GROUP = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["other"]}


@ddt.ddt
class ExemptOnlyCases(SingleLoginCases):
    """A mixin for a TransactionTestCase. It holds the cases that every level promises, too."""

    @property
    def guard(self):
        """The module of the guard in the installed wheel."""
        return import_module("openedx_single_login.guard")

    def statements_of(self, action, *arguments):
        """Return the statements of ``action``, without those of savepoints, which have a number."""
        with Statements() as statements:
            action(*arguments)
        return [sql for sql, _ in statements.sent if "SAVEPOINT" not in sql]

    def statements_of_login_and_logout(self, **exemptions):
        """Return the statements of a second login of the user, and those of its logout."""
        with override_settings(**exemptions):
            self.new_client(self.user)
            client = self.client_class()
            login = self.statements_of(self.sign_in, client, self.user)
            assert self.is_signed_in(client)
            return login, self.statements_of(self.sign_out, client)

    def test_the_app_is_the_installed_one(self):
        assert apps.get_app_config("single_login").name == "openedx_single_login"

    def test_the_platforms_receiver_stays_and_its_method_is_guarded(self):
        method = import_module("common.djangoapps.student.models").UserProfile.set_login_session
        assert hasattr(method, self.guard.HAS_GUARD)
        assert not hasattr(method.__wrapped__, self.guard.HAS_GUARD)
        for signal in (user_logged_in, user_logged_out):
            ours = [each for each in receivers_of(signal) if each.__module__.startswith("openedx_single_login")]
            assert [each.__name__ for each in ours] == ["audit_exempt_login"] * (signal is user_logged_in)
            assert "enforce_single_login" in [each.__name__ for each in receivers_of(signal)]

    def test_the_session_engine_and_the_middleware_are_the_sites_own(self):
        assert not [name for name in (settings.SESSION_ENGINE, *settings.MIDDLEWARE) if "single_login" in name]

    def test_guarding_again_leaves_one_guard(self):
        profile_model = self.profiles.model
        guarded = profile_model.set_login_session
        self.guard.guard_platform()
        assert profile_model.set_login_session is guarded

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_7_the_session_on_record_signs_out_while_exempt_and_the_record_stays(self, exemptions):
        client = self.new_client(self.user)
        recorded = self.recorded()
        with override_settings(**exemptions):
            self.sign_out(client)
        assert not self.is_signed_in(client)
        assert self.recorded() == recorded is not None

    def test_case_19_exempting_others_by_name_changes_no_statement_of_a_login_or_logout(self):
        before = self.statements_of_login_and_logout()
        assert self.statements_of_login_and_logout(SINGLE_LOGIN_EXEMPT_USERNAMES=["other"]) == before

    def test_case_19_exempting_others_by_group_costs_one_statement(self):
        before = self.statements_of_login_and_logout()
        after = self.statements_of_login_and_logout(**OTHERS_GROUP)
        for ours, theirs in zip(after, before, strict=True):
            (additional,) = [sql for sql in ours if sql not in theirs]
            assert GROUP_TABLE in additional
            assert [sql for sql in ours if sql != additional] == theirs

    @ddt.data((BY_USERNAME, 0), (BY_BOTH, 0), (BY_GROUP, 1))
    @ddt.unpack
    def test_case_5_an_exempt_login_costs_fewer_statements_and_one_query_of_groups(self, exemptions, queries):
        before = self.statements_of_login_and_logout()
        after = self.statements_of_login_and_logout(**exemptions)
        pairs = list(zip(after, before, strict=True))
        assert all(len(ours) < len(theirs) for ours, theirs in pairs)
        # A platform with its own exemption has its own query, too, and does not reach the guard at a logout.
        login, logout = ([sql for sql in ours if GROUP_TABLE in sql and sql not in theirs] for ours, theirs in pairs)
        assert len(login) == queries >= len(logout)
