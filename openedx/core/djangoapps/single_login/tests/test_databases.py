"""A site with several databases: the slot is read and written on the right one, inside a transaction."""

import ddt
from django.db import connections
from django.test import Client, TransactionTestCase, override_settings

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.signals import session_evicted

from .level_settings import every_request
from .single_login_cases import BY_GROUP, GROUP, NOBODY, USERNAME, protection

PROFILES = "accounts"


class ReplicaRouter:
    """Reads profiles from a database that does not exist, unless the code chooses another."""

    def db_for_read(self, model, **hints):
        return "replica" if model is UserProfile else None

    def db_for_write(self, model, **hints):
        return "default"


class AccountsRouter(ReplicaRouter):
    """Writes profiles through a second connection."""

    def db_for_write(self, model, **hints):
        return PROFILES if model is UserProfile else None

    def allow_relation(self, *instances, **hints):
        return True


class DatabasesTest(TransactionTestCase):
    """Logins and logouts on a site with a router."""

    router = None

    def setUp(self):
        super().setUp()
        self.user = UserFactory(username=USERNAME, groups=[GROUP])
        self.enterContext(override_settings(DATABASE_ROUTERS=[f"{__name__}.{self.router.__name__}"]))

    def sign_in(self):
        client = Client()
        response = client.post("/login_ajax", {"email": self.user.email, "password": TEST_PASSWORD})
        assert response.status_code == 200
        return client


@ddt.ddt
class ReplicaTest(DatabasesTest):
    """A replica may not have the latest record."""

    router = ReplicaRouter

    @ddt.data((NOBODY, True), (BY_GROUP, False))
    @ddt.unpack
    def test_record_is_never_read_from_a_replica(self, exemptions, is_recorded):
        with protection(True, **exemptions), self.assertNoLogs("django.db.backends.base", "ERROR"):
            self.sign_in()
            client = self.sign_in()
            assert client.get("/dashboard").status_code == 200
            assert bool(self.recorded()) is is_recorded
            # An error after the commit is only logged.
            assert client.get("/logout").status_code == 200
            assert not self.recorded()

    def recorded(self):
        profile = UserProfile.objects.using("default").get(user=self.user)
        return profile.get_meta().get("session_id")


class AccountsTest(DatabasesTest):
    """A transaction on another connection would not protect the slot."""

    databases = ["default", PROFILES]
    router = AccountsRouter

    def setUp(self):
        super().setUp()
        # The test database lets no other connection write during a transaction.
        self.enterContext(override_settings(**every_request("cache")))

    def written(self, action):
        """Return for each statement of ``action`` that wrote a profile whether it was inside a transaction."""
        found = []

        def note(execute, sql, params, many, context):
            if sql.startswith("UPDATE") and "auth_userprofile" in sql:
                found.append(context["connection"].in_atomic_block)
            return execute(sql, params, many, context)

        with connections[PROFILES].execute_wrapper(note):
            action()
        return found

    def test_login_and_logout_write_the_slot_in_a_transaction(self):
        assert self.written(lambda: self.sign_in().get("/logout")) == [True, True]

    def test_session_from_before_takes_the_slot_in_a_transaction(self):
        with protection(False):
            client = self.sign_in()
        assert self.written(lambda: client.get("/dashboard")) == [True]

    def test_earlier_session_is_evicted_after_the_transaction(self):
        found = []

        def note(**kwargs):
            found.append(connections[PROFILES].in_atomic_block)

        session_evicted.connect(note)
        self.addCleanup(session_evicted.disconnect, note)
        self.sign_in()
        self.sign_in()
        assert found == [False]
