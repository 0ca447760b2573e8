"""The statements with the check at every request, by table."""

import ddt
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_in
from django.test import RequestFactory
from single_login_cases import BY_BOTH, BY_GROUP, BY_USERNAME, NOBODY, protection
from statements import Statements

GROUP_TABLE = "auth_group"
PROFILE_TABLE = "auth_userprofile"
NO_MATCH = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["other"]}


@ddt.ddt
class StatementCases:
    """A mixin to use with ``EveryRequestCases``."""

    def receive_login(self):
        """Call the receiver for a login of the user. Return its statements."""
        request = RequestFactory().get("/")
        request.session = self.client_class().session
        request.session[SESSION_KEY] = str(self.user.pk)
        user = get_user_model().objects.get(pk=self.user.pk)
        receiver = self.enforce_single_login
        with Statements() as statements:
            receiver(signal=user_logged_in, sender=type(user), request=request, user=user)
        return statements.by_table()

    @ddt.data(
        (False, BY_BOTH, {}),
        (True, BY_USERNAME, {PROFILE_TABLE: 1}),
        (True, BY_GROUP, {GROUP_TABLE: 1, PROFILE_TABLE: 1}),
        (True, NOBODY, {PROFILE_TABLE: 3}),
        (True, NO_MATCH, {GROUP_TABLE: 1, PROFILE_TABLE: 3}),
    )
    @ddt.unpack
    def test_statements_of_a_login(self, is_on, exemptions, expected):
        with protection(is_on, **exemptions):
            assert self.receive_login() == expected
            # The same with an earlier session to end.
            assert self.receive_login() == expected

    @ddt.data(
        (False, BY_BOTH, {}),
        (True, BY_USERNAME, {}),
        (True, BY_GROUP, {GROUP_TABLE: 1}),
        (True, NOBODY, {PROFILE_TABLE: 1}),
        (True, NO_MATCH, {PROFILE_TABLE: 1}),
    )
    @ddt.unpack
    def test_additional_statements_of_a_signed_in_request(self, is_on, exemptions, expected):
        with protection(is_on, **exemptions):
            client = self.new_client(self.user)
            assert self.is_signed_in(client)
            with Statements() as enforced:
                assert self.is_signed_in(client)
        with protection(False), Statements() as bare:
            assert self.is_signed_in(client)
        assert enforced.by_table() - bare.by_table() == expected
