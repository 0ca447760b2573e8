"""The system checks of the settings of the login."""

import ddt
from django.core.checks import Tags, run_checks
from django.test import SimpleTestCase, override_settings

ADDRESS_CHECKS = ["user_authn.E001", "user_authn.W001", "user_authn.W002"]
LAST = {"name": "X-Forwarded-For", "index": -1}


@ddt.ddt
class ClientAddressCheckTest(SimpleTestCase):
    """The warnings are for a deploy, the error is for every start."""

    def ids(self, entries, deployed):
        with override_settings(CLOSEST_CLIENT_IP_FROM_HEADERS=entries):
            found = run_checks(tags=[Tags.security], include_deployment_checks=deployed)
        return [message.id for message in found if message.id in ADDRESS_CHECKS]

    @ddt.data(
        ([LAST], []),
        ([{"name": "X-Forwarded-For", "index": -2}], []),
        ([{"name": "CF-Connecting-IP", "index": 0}], []),
        ([], ["user_authn.W001"]),
        ([{"name": "x-forwarded-for", "index": 0}], ["user_authn.W002"]),
        ([LAST, {"name": "X-Forwarded-For", "index": 1}], ["user_authn.W002"]),
    )
    @ddt.unpack
    def test_address_that_a_client_can_choose_is_a_warning_at_a_deploy(self, entries, expected):
        assert self.ids(entries, deployed=True) == expected
        assert self.ids(entries, deployed=False) == []

    @ddt.data(
        None,
        "X-Forwarded-For",
        ["X-Forwarded-For"],
        [{"name": "X-Forwarded-For"}],
        [{"index": -1}],
        [{**LAST, "index": "-1"}],
    )
    def test_malformed_entry_is_an_error(self, entries):
        for deployed in (True, False):
            assert self.ids(entries, deployed) == ["user_authn.E001"]


@ddt.ddt
class LoginCheckTest(SimpleTestCase):
    """The other settings of the login. What only a site can know is checked at a deploy."""

    def found(self, deployed=True):
        return {message.id: message for message in run_checks(include_deployment_checks=deployed)}

    @ddt.data("edx_django_utils.monitoring.NewRelicBackend", 5, {"a": "b"}, [5])
    def test_telemetry_that_is_no_list_of_names_is_a_warning_at_every_start(self, backends):
        with override_settings(OPENEDX_TELEMETRY=backends):
            assert repr(backends) in self.found(deployed=False)["user_authn.W003"].msg

    @ddt.data(None, [], ["edx_django_utils.monitoring.NewRelicBackend"], ("a.b",))
    def test_list_of_telemetry_backends_is_fine(self, backends):
        with override_settings(OPENEDX_TELEMETRY=backends):
            assert "user_authn.W003" not in self.found()

    @ddt.data("PBKDF2", "Argon2", "MD5")
    def test_hasher_of_passwords_as_they_are_typed_is_a_warning_at_a_deploy(self, name):
        with override_settings(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher"]):
            assert f"{name}PasswordHasher" in self.found()["user_authn.W004"].msg
            assert "user_authn.W004" not in self.found(deployed=False)

    @ddt.data(
        ({}, True),
        ({"SUPPORT_SITE_LINK": None, "TECH_SUPPORT_EMAIL": ""}, True),
        ({"SUPPORT_SITE_LINK": "https://example.com/help"}, False),
        ({"TECH_SUPPORT_EMAIL": "help@example.com"}, False),
    )
    @ddt.unpack
    def test_missing_address_of_support_is_a_warning_at_a_deploy(self, addresses, expected):
        with override_settings(**addresses):
            assert ("user_authn.W005" in self.found()) is expected
            assert "user_authn.W005" not in self.found(deployed=False)
