"""A signed-in browser signs in again. The transaction of the request is rolled back, but its session is saved."""

from contextlib import contextmanager
from importlib import import_module
from itertools import product
from typing import ClassVar

import ddt
import pytest
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.cache import KEY_PREFIX
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404
from django.test import Client, RequestFactory, TransactionTestCase, override_settings

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.tests.level_settings import ALL_ENGINES, ENGINES, every_request, site_engine
from openedx.core.djangoapps.single_login.tests.single_login_cases import BY_GROUP, GROUP, protection


def forbid(**kwargs):
    raise PermissionDenied


def find_nothing(**kwargs):
    raise Http404


def roll_back(**kwargs):
    """Do what Django REST framework does when a view raises one of its errors: answer, and roll back."""
    transaction.set_rollback(True)


# By receiver of the login signal: the status of the answer.
ROLLBACKS = {forbid: 403, find_nothing: 404, roll_back: 200}
# A new session is a row, which the rollback removes.
DATABASE_ENGINES = ("db", "cached_db")


@ddt.ddt
class RolledBackLoginTest(TransactionTestCase):
    """Exempt only: the session that was on record stays there, and its browser stays signed in."""

    def setUp(self):
        super().setUp()
        atomic = connection.settings_dict["ATOMIC_REQUESTS"]
        self.addCleanup(connection.settings_dict.update, ATOMIC_REQUESTS=atomic)
        connection.settings_dict["ATOMIC_REQUESTS"] = True
        self.user = UserFactory(groups=[GROUP])
        self.browser = Client()

    def sign_in(self, browser=None):
        data = {"email": self.user.email, "password": TEST_PASSWORD}
        return (browser or self.browser).post("/login_ajax", data).status_code

    def sign_in_and_roll_back(self, receiver, is_row_lost=False):
        """Sign in, and let ``receiver`` roll back. If that loses the row of a new session, Django answers 400."""
        before = self.last_login()
        user_logged_in.connect(receiver)
        try:
            assert self.sign_in() == (400 if is_row_lost else ROLLBACKS[receiver])
        finally:
            user_logged_in.disconnect(receiver)
        assert self.last_login() == before

    def last_login(self):
        """Return what the database has. A login writes it in the transaction of its request."""
        return type(self.user).objects.values_list("last_login", flat=True).get(pk=self.user.pk)

    def is_signed_in(self, browser=None):
        return (browser or self.browser).get("/dashboard").status_code == 200

    @contextmanager
    def record_that_cannot_be_written(self):
        """Let each login fail when it writes its record, without ATOMIC_REQUESTS. The answer is 500."""

        def refuse(execute, sql, *arguments):
            if sql.startswith("UPDATE") and "auth_userprofile" in sql:
                raise OperationalError("Lock wait timeout exceeded")
            return execute(sql, *arguments)

        connection.settings_dict["ATOMIC_REQUESTS"] = False
        self.browser.raise_request_exception = False
        with connection.execute_wrapper(refuse):
            yield

    def recorded(self):
        return UserProfile.objects.get(user=self.user).get_meta().get("session_id")

    @ddt.data(*product(ENGINES, ROLLBACKS))
    @ddt.unpack
    def test_session_on_record_keeps_its_key_and_the_record(self, engine, receiver):
        with site_engine(engine):
            self.sign_in()
            key = self.browser.session.session_key
            self.sign_in_and_roll_back(receiver)
            assert self.is_signed_in()
            assert self.recorded() == self.browser.session.session_key == key

    @ddt.data(*ENGINES)
    def test_session_from_before_survives_a_login_that_cannot_be_recorded(self, engine):
        with site_engine(engine):
            with protection(False):
                self.sign_in()
            key = self.browser.session.session_key
            with self.record_that_cannot_be_written():
                assert self.sign_in() == 500
            assert self.is_signed_in()
            assert self.browser.session.session_key == key

    @ddt.data(*ENGINES)
    def test_login_that_fails_leaves_the_transaction_of_its_caller_whole(self, engine):
        accounts = type(self.user).objects
        UserProfile.objects.update(meta="not JSON")
        with site_engine(engine), transaction.atomic():
            request = RequestFactory().get("/")
            request.session = import_module(settings.SESSION_ENGINE).SessionStore()
            with pytest.raises(ValueError, match="is not a JSON object"):
                login(request, self.user, settings.AUTHENTICATION_BACKENDS[0])
            accounts.update(last_name="written afterwards")
        assert accounts.get().last_name == "written afterwards"

    def test_session_gets_its_new_key_outside_of_a_transaction(self):
        connection.settings_dict["ATOMIC_REQUESTS"] = False
        with site_engine("cache"), override_settings(CACHES=NOTING_CACHE):
            with protection(False):
                self.sign_in()
            NotingCache.noted.clear()
            self.sign_in()
        assert NotingCache.noted == [False]


class NotingCache(LocMemCache):
    """Notes for each new session whether a transaction is open."""

    noted: ClassVar[list] = []

    def add(self, key, *args, **kwargs):
        """Note it if ``key`` is that of a session."""
        if KEY_PREFIX in key:
            self.noted.append(connection.in_atomic_block)
        return super().add(key, *args, **kwargs)


NOTING_CACHE = {"default": {"BACKEND": f"{__name__}.NotingCache", "LOCATION": "noting"}}


@ddt.ddt
@override_settings(**every_request())
class EveryRequestRolledBackLoginTest(RolledBackLoginTest):
    """At every request."""

    @ddt.data(*product(ALL_ENGINES, ROLLBACKS))
    @ddt.unpack
    def test_session_on_record_is_accepted(self, engine, receiver):
        with site_engine(engine):
            self.sign_in()
            self.sign_in_and_roll_back(receiver)
            assert [self.is_signed_in() for _ in range(2)] == [True, True]

    @ddt.data(*product(ALL_ENGINES, ROLLBACKS))
    @ddt.unpack
    def test_session_from_before_is_accepted_and_a_later_login_ends_it(self, engine, receiver):
        with site_engine(engine):
            with protection(False):
                self.sign_in()
            self.sign_in_and_roll_back(receiver, is_row_lost=engine in DATABASE_ENGINES)
            assert [self.is_signed_in() for _ in range(2)] == [True, True]
            later = Client()
            self.sign_in(later)
            assert [self.is_signed_in(each) for each in (self.browser, later)] == [False, True]

    @ddt.data(*product(ALL_ENGINES, ROLLBACKS))
    @ddt.unpack
    def test_exempt_session_is_accepted_while_it_is_exempt(self, engine, receiver):
        with site_engine(engine):
            with override_settings(**BY_GROUP):
                self.sign_in()
                self.sign_in_and_roll_back(receiver)
                assert self.is_signed_in()
            assert not self.is_signed_in()

    @ddt.data(*product(ALL_ENGINES, ROLLBACKS))
    @ddt.unpack
    def test_first_login_never_leaves_two_sessions(self, engine, receiver):
        with site_engine(engine):
            other = Client()
            self.sign_in(other)
            self.sign_in_and_roll_back(receiver, is_row_lost=engine in DATABASE_ENGINES)
            assert [self.is_signed_in(each) for each in (self.browser, other)] == [False, True]
