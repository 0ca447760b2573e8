"""The system checks of CLOSEST_CLIENT_IP_FROM_HEADERS."""

import ddt
from django.core.checks import Tags, run_checks
from django.test import SimpleTestCase, override_settings

LAST = {"name": "X-Forwarded-For", "index": -1}


@ddt.ddt
class ClientAddressCheckTest(SimpleTestCase):
    """The warnings are for a deploy, the error is for every start."""

    def ids(self, entries, deployed):
        with override_settings(CLOSEST_CLIENT_IP_FROM_HEADERS=entries):
            found = run_checks(tags=[Tags.security], include_deployment_checks=deployed)
        return [message.id for message in found if message.id.startswith("user_authn.")]

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
