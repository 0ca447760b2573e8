"""The audit line of an eviction, and the monitoring attributes of an exempt login."""

import ddt
from django.core.cache import cache
from django.test import Client, TestCase, TransactionTestCase, override_settings
from edx_django_utils.monitoring import TelemetryBackend

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES

from .single_login_cases import GROUP, USERNAME, audit_lines


@ddt.ddt
class EvictionLineTest(TransactionTestCase):
    """With SQUELCH_PII_IN_LOGS on, it has the number of the account instead of the username."""

    @ddt.data((True, "user.id: {id}"), (False, "honor"))
    @ddt.unpack
    def test_audit_line_of_an_eviction_has_the_account_and_the_reason(self, squelch, expected):
        cache.clear()
        user = UserFactory(username="honor")
        features = {"PREVENT_CONCURRENT_LOGINS": True, "SQUELCH_PII_IN_LOGS": squelch}
        with override_settings(FEATURES=features), audit_lines() as lines:
            clients = Client(), Client()
            for client in clients:
                client.force_login(user)
        line = f"Single login evicted - {expected.format(id=user.pk)} - signed in elsewhere"
        assert [each for each in lines if "evicted" in each] == [line]
        assert not [client for client in clients if client.cookies["sessionid"].value in str(lines)]


class RecordingBackend(TelemetryBackend):
    """A telemetry backend that records attributes."""

    attributes = {}

    def set_attribute(self, key, value):
        self.attributes[key] = value

    def record_exception(self):
        """Ignore exceptions."""

    def create_span(self, name, operation_name=None):
        """Ignore spans."""

    def tag_root_span_with_error(self, exception):
        """Ignore errors."""

    def set_local_root_span_name(self, name, group=None, priority=None):
        """Ignore names."""


@ddt.ddt
class MonitoringTest(TestCase):
    """The monitoring attributes of an exempt login."""

    @ddt.data(
        ({USERNAMES: [USERNAME]}, True, USERNAMES),
        ({USERNAMES: [USERNAME]}, False, f"{USERNAMES}: {USERNAME}"),
        ({GROUPS: [GROUP]}, True, f"{GROUPS}: {GROUP}"),
        ({}, False, None),
    )
    @ddt.unpack
    def test_exempt_login_sets_monitoring_attributes(self, configured, squelch, rule):
        user = UserFactory(username=USERNAME, groups=[GROUP])
        features = {"PREVENT_CONCURRENT_LOGINS": True, "SQUELCH_PII_IN_LOGS": squelch}
        backend = f"{RecordingBackend.__module__}.{RecordingBackend.__name__}"
        RecordingBackend.attributes.clear()
        site = override_settings(FEATURES=features, OPENEDX_TELEMETRY=[backend], **configured)
        # The login is recorded after its commit.
        with site, self.captureOnCommitCallbacks(execute=True):
            self.client.force_login(user)
        expected = {} if rule is None else {"single_login_exempt": True, "single_login_rule": rule}
        assert RecordingBackend.attributes == expected
