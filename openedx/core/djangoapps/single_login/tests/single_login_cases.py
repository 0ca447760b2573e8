"""
The table of cases: the promises of single login, as tests that run on any LMS.

The name of a test has the number of its case:

1. A non-exempt user logs in.
2. Several logins of one user at the same instant. 2b: only the session on record is accepted.
3. A login replaces another user's session in the same browser.
4. A non-exempt user logs out.
5. An exempt user logs in.
6. An exempt user logs out.
7. An account becomes exempt.
8. An account is no longer exempt.
9. The protection is off.
10. A signal comes with nothing to enforce.
11. A login is recorded, and the profile has other data.
12. The key of a signed-in session changes.
13. A session is from before: it began before the check at every request was on.
14. A profile is saved from an old copy.
15. A request has JWT cookies (``jwt_cookie_cases``).
16. The app is installed and nothing is set (``tests/wheel/test_nothing_set.py``).
17. A logout cannot clear the record.
18. Servers of one site have different settings (``tests/servers/test_rollout.py``).
19. Accounts are exempt, and somebody else logs in or out (``tests/wheel/test_others.py``).
20. The platform's method or receiver is not found (``tests/wheel/test_plugin.py``).

There are three mixins for a TransactionTestCase, because sessions are evicted after the commit. A level runs the cases
that it promises, and no others:

* ``SingleLoginCases``: a released platform at exempt only, and both others
* ``SlotCases``: the LMS of this repository at exempt only, and the check at every request
* ``EveryRequestCases``: the check at every request

This module imports nothing of this repository, so that the table also runs on an installed wheel.
"""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from unittest import mock
from weakref import ReferenceType

import ddt
from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.db import OperationalError, connection, connections
from django.test import Client, RequestFactory, override_settings

PASSWORD = "Password1234"
NEW_PASSWORD = "Different5678"
USERNAME = "xqwatcher"
GROUP = "xqueue"

NOBODY = {}
BY_USERNAME = {"SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME]}
BY_GROUP = {"SINGLE_LOGIN_EXEMPT_GROUPS": ["other", GROUP]}
BY_BOTH = {**BY_USERNAME, **BY_GROUP}
BY_NEITHER = {
    "SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME.upper(), f"{USERNAME} ", USERNAME[:-1]],
    "SINGLE_LOGIN_EXEMPT_GROUPS": [GROUP.upper(), f"{GROUP} ", GROUP[:-1]],
}

# The user and the request of a signal.
WITH_NOTHING_TO_ENFORCE = [
    ("none", "session"),
    ("anonymous", "session"),
    ("user", "none"),
    ("user", "bare"),
    ("user", "session"),
]


def protection(is_on, **others):
    """Return settings with the protection on or off."""
    return override_settings(FEATURES={**settings.FEATURES, "PREVENT_CONCURRENT_LOGINS": is_on}, **others)


@contextmanager
def audit_lines():
    """Collect the messages that reach the logger ``audit``."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("audit")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def receivers_of(signal):
    """Return the receivers of ``signal``, in their order."""
    receivers = [receiver for _, receiver, *_ in signal.receivers]
    return [receiver() if isinstance(receiver, ReferenceType) else receiver for receiver in receivers]


def in_another_thread(action):
    """Run ``action`` in another thread, with the database connections of this one. Return its result."""
    shared = {alias: connections[alias] for alias in connections}

    def run():
        for alias, each in shared.items():
            connections[alias] = each
        return action()

    for each in shared.values():
        each.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()
    finally:
        for each in shared.values():
            each.dec_thread_sharing()


@ddt.ddt
class SingleLoginCases:
    """
    The cases that every level promises.

    A subclass for another LMS may override ``sign_in``, ``sign_out``, ``is_signed_in``, ``change_password`` and
    ``cookie_of``.
    """

    client_class = Client

    def setUp(self):
        super().setUp()
        self.enterContext(protection(True, SINGLE_LOGIN_EXEMPT_USERNAMES=[], SINGLE_LOGIN_EXEMPT_GROUPS=[]))
        self.user = self.create_user(USERNAME, GROUP)

    def sign_in(self, client, user, password=PASSWORD):
        """Sign ``user`` in through a view. Return the response."""
        return client.post("/login_ajax", {"email": user.email, "password": password})

    def sign_out(self, client):
        """Sign out through a view."""
        client.get("/logout")

    def is_signed_in(self, client):
        """Tell whether ``client`` may see a page that needs a session."""
        return client.get("/dashboard").status_code == 200

    def change_password(self, client):
        """Change the password through a view, while signed in."""
        get_user_model().objects.filter(pk=self.user.pk).update(is_staff=True)
        data = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert client.post("/admin/password_change/", data).status_code == 302

    def signed_in(self, clients):
        """Return those of ``clients`` that are signed in."""
        return [client for client in clients if self.is_signed_in(client)]

    def create_user(self, username, *groups, with_profile=True):
        """Return a new account, a member of ``groups``."""
        user = get_user_model().objects.create_user(username, f"{username}@example.com", PASSWORD)
        user.groups.set(Group.objects.get_or_create(name=name)[0] for name in groups)
        if with_profile:
            self.profiles.create(user=user, name=username)
        return user

    @property
    def profiles(self):
        """The manager of the profiles of this LMS."""
        return get_user_model()._meta.get_field("profile").related_model.objects

    def new_client(self, user=None):
        """Return a new client, signed in if ``user`` is given."""
        client = self.client_class()
        if user is not None:
            assert self.sign_in(client, user).status_code in (200, 302)
        return client

    def recorded(self, user=None):
        """Return the session key that the database has on record."""
        return self.profiles.get(user=user or self.user).get_meta().get("session_id")

    def key_of(self, client):
        """Return the key under which a login with ``client`` is recorded."""
        return self.key_in(client.session)

    def key_in(self, session):
        """Return the key under which a login with ``session`` is recorded."""
        return session.session_key

    def meta(self):
        """Return the column ``meta`` as text."""
        return self.profiles.values_list("meta", flat=True).get(user=self.user)

    def evictions_of(self, action):
        """Return the audit lines of evictions that ``action`` writes."""
        with audit_lines() as lines:
            action()
        return [line for line in lines if "evicted" in line]

    @ddt.data(NOBODY, BY_NEITHER)
    def test_case_1_a_second_login_ends_the_first_and_is_recorded(self, exemptions):
        with override_settings(**exemptions):
            first = self.new_client(self.user)
            assert self.is_signed_in(first)
            assert self.recorded() == self.key_of(first)
            second = self.new_client(self.user)
            assert not self.is_signed_in(first)
            assert self.is_signed_in(second)
            assert self.recorded() == self.key_of(second)

    @ddt.data(BY_USERNAME, BY_GROUP, BY_BOTH)
    def test_case_5_an_exempt_login_ends_nothing_and_touches_no_record(self, exemptions):
        before = '{"session_id": "somebody-elses", "kept": 1}'
        self.profiles.update(meta=before)
        with override_settings(**exemptions):
            clients = [self.new_client(self.user) for _ in range(3)]
            assert all(self.is_signed_in(client) for client in clients)
        assert self.meta() == before

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_5_an_exempt_login_creates_a_missing_profile(self, exemptions):
        self.profiles.all().delete()
        with override_settings(**exemptions):
            assert self.is_signed_in(self.new_client(self.user))
        profile = self.profiles.get(user=self.user)
        assert (profile.name, profile.get_meta()) == (USERNAME, {})

    def test_case_5_an_exemption_is_for_that_account_only(self):
        other = self.create_user("other", "others")
        with override_settings(**BY_BOTH):
            first, second = self.new_client(other), self.new_client(other)
            assert not self.is_signed_in(first)
            assert self.is_signed_in(second)

    @ddt.data(
        (BY_USERNAME, True, "SINGLE_LOGIN_EXEMPT_USERNAMES", USERNAME),
        (BY_USERNAME, False, f"SINGLE_LOGIN_EXEMPT_USERNAMES: {USERNAME}", None),
        (BY_GROUP, True, f"SINGLE_LOGIN_EXEMPT_GROUPS: {GROUP}", USERNAME),
        (BY_GROUP, False, f"SINGLE_LOGIN_EXEMPT_GROUPS: {GROUP}", None),
    )
    @ddt.unpack
    def test_case_5_an_exempt_login_is_audited_with_its_rule(self, exemptions, squelch, expected, hidden):
        features = {**settings.FEATURES, "SQUELCH_PII_IN_LOGS": squelch}
        with override_settings(FEATURES=features, **exemptions), audit_lines() as lines:
            client = self.new_client(self.user)
        exempt = [line for line in lines if "Single login exempt" in line]
        assert len(exempt) == 1
        assert exempt[0].endswith(f" - {expected}")
        assert (f"user.id: {self.user.pk}" if squelch else USERNAME) in exempt[0]
        assert hidden is None or hidden not in exempt[0]
        assert self.key_of(client) not in str(lines)

    def test_case_5_an_exempt_login_that_fails_is_not_audited(self):
        def fail(**kwargs):
            raise OperationalError("Lost connection")

        # As on the platform, a request is a transaction.
        self.enterContext(mock.patch.dict(connection.settings_dict, ATOMIC_REQUESTS=True))
        user_logged_in.connect(fail)
        self.addCleanup(user_logged_in.disconnect, fail)
        client = self.client_class(raise_request_exception=False)
        with override_settings(**BY_USERNAME), audit_lines() as lines:
            assert self.sign_in(client, self.user).status_code == 500
        assert [line for line in lines if "Single login exempt" in line] == []

    def test_case_6_an_exempt_logout_ends_that_session_only(self):
        with override_settings(**BY_GROUP):
            first, second, third = (self.new_client(self.user) for _ in range(3))
            self.sign_out(second)
            assert [self.is_signed_in(client) for client in (first, second, third)] == [True, False, True]
            assert not self.recorded()

    def test_case_6_an_exempt_logout_is_not_audited_as_a_login(self):
        with override_settings(**BY_GROUP):
            client = self.new_client(self.user)
            with audit_lines() as lines:
                self.sign_out(client)
            assert not self.is_signed_in(client)
        assert [line for line in lines if "exempt" in line] == []

    def test_case_7_becoming_exempt_keeps_the_session_and_the_record(self):
        first = self.new_client(self.user)
        with override_settings(**BY_GROUP):
            second = self.new_client(self.user)
            assert self.is_signed_in(first)
            assert self.recorded() == self.key_of(first)
            self.sign_out(second)
            assert self.is_signed_in(first)
            assert self.recorded() == self.key_of(first)

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_8_after_the_exemption_each_login_ends_the_one_before(self, exemptions):
        with override_settings(**exemptions):
            self.new_client(self.user)
        first, second = self.new_client(self.user), self.new_client(self.user)
        assert self.signed_in([first, second]) == [second]
        assert self.recorded() == self.key_of(second)

    def test_case_8_after_leaving_the_exempt_group_each_login_ends_the_one_before(self):
        with override_settings(**BY_GROUP):
            self.new_client(self.user)
            self.user.groups.clear()
            first, second = self.new_client(self.user), self.new_client(self.user)
            assert self.signed_in([first, second]) == [second]

    @ddt.data(NOBODY, BY_BOTH)
    def test_case_9_with_the_protection_off_every_session_and_the_record_stay(self, exemptions):
        on_record = self.new_client(self.user)
        assert self.is_signed_in(on_record)
        before = self.meta()
        with protection(False, **exemptions):
            clients = [on_record, *(self.new_client(self.user) for _ in range(2))]
            self.sign_out(clients[2])
            assert self.signed_in(clients) == clients[:2]
        assert self.meta() == before
        assert self.is_signed_in(on_record)

    def arguments_with_nothing_to_enforce(self, who, request):
        """Return the arguments of a signal, by one of ``WITH_NOTHING_TO_ENFORCE``."""
        user = {"none": None, "anonymous": AnonymousUser(), "user": self.user}[who]
        bare, with_session = RequestFactory().get("/"), RequestFactory().get("/")
        with_session.session = SessionBase()
        http_request = {"none": None, "bare": bare, "session": with_session}[request]
        return {"sender": type(user), "request": http_request, "user": user}

    def test_case_10_the_audit_receiver_ignores_a_signal_with_nothing_to_enforce(self):
        receiver = import_module(f"{apps.get_app_config('single_login').name}.audit").audit_exempt_login
        with override_settings(**BY_BOTH), audit_lines() as lines:
            for who, request in WITH_NOTHING_TO_ENFORCE:
                receiver(signal=user_logged_in, **self.arguments_with_nothing_to_enforce(who, request))
        assert lines == []

    @ddt.data(
        *((signal, rule) for signal in (user_logged_in, user_logged_out) for rule in (BY_USERNAME, BY_GROUP)),
    )
    @ddt.unpack
    def test_case_10_a_token_of_an_exempt_account_keeps_its_record_and_its_sessions(self, signal, exemptions):
        client = self.new_client(self.user)
        before = self.meta()
        request = RequestFactory().get("/")
        request.session, request.user = import_module(settings.SESSION_ENGINE).SessionStore(), AnonymousUser()
        user = get_user_model().objects.get(pk=self.user.pk)
        with override_settings(**exemptions), audit_lines() as lines:
            signal.send(sender=type(user), request=request, user=user)
        assert self.meta() == before
        assert self.is_signed_in(client)
        assert [line for line in lines if "Single login" in line] == []


@ddt.ddt
class SlotCases(SingleLoginCases):
    """The cases that need the slot: our own receiver records each login, and clears its own record at a logout."""

    # A session in a cookie cannot be deleted, and has another key after each change.
    can_delete_sessions = True

    @property
    def enforce_single_login(self):
        """The receiver that the LMS has connected. By default, it is the one of the wheel."""
        return import_module(f"{apps.get_app_config('single_login').name}.one_session.enforcement").enforce_single_login

    def is_connected(self, receiver, signal):
        """Tell whether ``receiver`` is connected to ``signal``."""
        return receiver in receivers_of(signal)

    def written_keys(self, session):
        """Return the keys that single login has written into ``session``."""
        return [name for name, _ in session.items() if name.startswith("single_login")]

    def test_the_receiver_is_connected_to_both_signals(self):
        for signal in (user_logged_in, user_logged_out):
            assert self.is_connected(self.enforce_single_login, signal)

    def test_case_1_the_same_browser_signing_in_again_keeps_its_session(self):
        client = self.new_client(self.user)
        for _ in range(2):
            assert self.sign_in(client, self.user).status_code in (200, 302)
            assert self.is_signed_in(client)
            assert self.recorded() == self.key_of(client)

    def test_case_1_signing_in_again_is_not_audited_as_an_eviction(self):
        client = self.new_client(self.user)
        statuses = []
        assert self.evictions_of(lambda: statuses.append(self.sign_in(client, self.user).status_code)) == []
        assert statuses[0] in (200, 302)

    def test_case_1_an_eviction_is_audited_once_without_a_session_key(self):
        first = self.new_client(self.user)
        key = self.key_of(first)

        def evict():
            self.new_client(self.user)
            assert not self.is_signed_in(first)

        (line,) = self.evictions_of(evict)
        assert line.endswith(" - signed in elsewhere")
        assert key not in line

    def test_case_1_a_login_that_ends_no_session_is_not_audited_as_an_eviction(self):
        client = self.new_client(self.user)
        self.sign_out(client)
        assert self.evictions_of(lambda: self.new_client(self.user)) == []
        gone = self.new_client(self.user)
        gone.session.delete()
        assert self.evictions_of(lambda: self.new_client(self.user)) == []

    def test_case_1_a_login_after_a_new_password_is_not_audited_as_an_eviction(self):
        self.new_client(self.user)
        self.user.set_password(NEW_PASSWORD)
        self.user.save()
        later = self.new_client()
        assert self.evictions_of(lambda: self.sign_in(later, self.user, NEW_PASSWORD)) == []
        assert self.is_signed_in(later)

    def test_case_1_a_signal_tells_of_a_session_that_is_ended(self):
        key = self.key_of(self.new_client(self.user))
        assert self.signals_of(lambda: self.new_client(self.user)) == [(self.user.pk, key, "signed in elsewhere")]

    def signals_of(self, action):
        """Return what ``session_evicted`` sends during ``action``, to a receiver that raises an error."""
        received = []

        def hear(sender, user, session_key, reason, **kwargs):
            received.append((user.pk, session_key, reason))
            raise RuntimeError("An error of a receiver")

        signal = import_module(f"{apps.get_app_config('single_login').name}.signals").session_evicted
        signal.connect(hear)
        try:
            action()
        finally:
            signal.disconnect(hear)
        return received

    def test_case_2_of_two_logins_that_meet_only_the_later_one_is_accepted(self):
        winner, loser = self.new_client(), self.new_client()
        self.overtake(loser, winner)
        assert self.signed_in([loser, winner]) == [winner]
        assert self.recorded() == self.key_of(winner)

    def test_case_2_signing_in_again_during_another_login_leaves_one_session(self):
        winner, loser = self.new_client(), self.new_client(self.user)
        self.overtake(loser, winner)
        assert self.signed_in([loser, winner]) == [winner]

    def overtake(self, loser, winner):
        """Sign in with ``loser``. Before its response, but after it was recorded, sign in with ``winner``."""

        def step(**kwargs):
            user_logged_in.disconnect(step)
            assert in_another_thread(lambda: self.sign_in(winner, self.user)).status_code in (200, 302)

        user_logged_in.connect(step)
        assert self.sign_in(loser, self.user).status_code in (200, 302, 400)

    def test_case_2_a_session_on_record_that_signs_in_again_keeps_its_key(self):
        client = self.new_client(self.user)
        key = client.session.session_key
        assert self.sign_in(client, self.user).status_code in (200, 302)
        if self.can_delete_sessions:
            assert client.session.session_key == key
        assert self.recorded() == self.key_of(client)

    def test_case_2_a_login_signal_for_a_session_on_record_keeps_its_key(self):
        session = self.new_client(self.user).session
        recorded, key = self.recorded(), session.session_key
        request = RequestFactory().get("/")
        request.session, request.COOKIES[settings.SESSION_COOKIE_NAME] = session, key
        self.enforce_single_login(signal=user_logged_in, sender=type(self.user), request=request, user=self.user)
        assert (self.recorded(), session.session_key) == (recorded, key)

    def test_case_2_a_session_that_is_not_on_record_signs_in_again_under_a_fresh_key(self):
        client = self.new_client(self.user)
        key = self.key_of(client)
        self.profiles.update(meta='{"session_id": "somebody-elses"}')
        assert self.sign_in(client, self.user).status_code in (200, 302)
        assert self.key_of(client) == self.recorded() != key

    def test_case_2_a_login_signal_gives_a_session_from_before_a_fresh_key(self):
        session = self.from_before().session
        earlier_key = session.session_key
        request = RequestFactory().get("/")
        request.session, request.COOKIES[settings.SESSION_COOKIE_NAME] = session, earlier_key
        self.enforce_single_login(signal=user_logged_in, sender=type(self.user), request=request, user=self.user)
        assert self.recorded() == self.key_in(session) != earlier_key

    def test_case_3_a_login_over_another_users_session_records_the_real_key(self):
        other = self.create_user("other")
        client = self.new_client(other)
        assert self.sign_in(client, self.user).status_code in (200, 302)
        assert self.recorded() is not None
        assert self.recorded() == self.key_of(client)
        self.new_client(self.user)
        assert not self.is_signed_in(client)

    def test_case_4_a_logout_clears_its_own_slot(self):
        client = self.new_client(self.user)
        assert self.recorded() == self.key_of(client)
        self.sign_out(client)
        assert not self.is_signed_in(client)
        assert self.recorded() is None

    def test_case_4_a_logout_clears_the_record_that_the_platform_made(self):
        client = self.from_before()
        self.profiles.update(meta=json.dumps({"session_id": self.key_of(client)}))
        self.sign_out(client)
        assert self.recorded() is None

    def test_case_4_a_logout_of_another_session_leaves_the_one_on_record_alone(self):
        with override_settings(**BY_USERNAME):
            another = self.new_client(self.user)
        on_record = self.new_client(self.user)
        self.sign_out(another)
        assert not self.is_signed_in(another)
        assert self.is_signed_in(on_record)
        assert self.recorded() == self.key_of(on_record)

    @ddt.data("first", "second")
    def test_case_4_a_logout_of_one_account_leaves_the_others_alone(self, whose):
        users = {"first": self.user, "second": self.create_user("second")}
        clients = {name: self.new_client(user) for name, user in users.items()}
        self.sign_out(clients[whose])
        for name, user in users.items():
            assert self.is_signed_in(clients[name]) is (name != whose)
            assert self.recorded(user) == (None if name == whose else self.key_of(clients[name]))

    def test_case_4_a_logout_without_a_profile_creates_none(self):
        # Every level accepts this session until its logout.
        client = self.from_before()
        self.profiles.all().delete()
        self.sign_out(client)
        assert not self.is_signed_in(client)
        assert not self.profiles.exists()

    def test_case_6_an_exempt_logout_creates_no_profile(self):
        with override_settings(**BY_GROUP):
            client = self.new_client(self.user)
            self.profiles.all().delete()
            self.sign_out(client)
            assert not self.is_signed_in(client)
        assert not self.profiles.exists()

    @ddt.data(
        *(
            (signal, who, request)
            for signal in (user_logged_in, user_logged_out)
            for who, request in WITH_NOTHING_TO_ENFORCE
        )
    )
    @ddt.unpack
    def test_case_10_a_signal_with_nothing_to_enforce_changes_nothing(self, signal, who, request):
        before = '{"session_id": "somebody-elses"}'
        self.profiles.update(meta=before)
        # The receiver is called alone, because other receivers of the platform may need a request.
        self.enforce_single_login(signal=signal, **self.arguments_with_nothing_to_enforce(who, request))
        assert self.meta() == before

    def test_case_11_recording_keeps_other_keys_and_other_columns(self):
        self.profiles.update(meta='{"kept": {"a": [1]}}', name="Kept")
        client = self.new_client(self.user)
        profile = self.profiles.get(user=self.user)
        assert profile.get_meta() == {"kept": {"a": [1]}, "session_id": self.key_of(client)}
        self.sign_out(client)
        profile.refresh_from_db()
        assert (profile.name, profile.get_meta()["kept"]) == ("Kept", {"a": [1]})

    def test_case_11_recording_starts_from_the_row_not_from_a_stale_profile(self):
        client = self.new_client(self.user)
        stale = get_user_model().objects.select_related("profile").get(pk=self.user.pk)
        meanwhile = f'{{"written": "meanwhile", "session_id": "{self.key_of(client)}"}}'
        self.profiles.update(meta=meanwhile, name="Meanwhile")
        request = RequestFactory().get("/")
        request.session = client.session
        self.enforce_single_login(signal=user_logged_in, sender=type(stale), request=request, user=stale)
        profile = self.profiles.get(user=self.user)
        assert profile.get_meta() == {"written": "meanwhile", "session_id": self.key_in(request.session)}
        assert profile.name == "Meanwhile"

    def from_before(self):
        """Return a client with a session from before the check at every request. It has no record and no claim."""
        with protection(False):
            return self.new_client(self.user)

    def test_case_14_the_login_request_itself_saves_no_old_profile(self):
        def load(user, **kwargs):
            assert user.profile

        def save_whole(user, **kwargs):
            user.profile.save()

        for receiver in (load, save_whole):
            user_logged_in.connect(receiver)
            self.addCleanup(user_logged_in.disconnect, receiver)
        # ``load`` comes first, before the login is recorded.
        user_logged_in.receivers.insert(0, user_logged_in.receivers.pop(-2))
        clients = [self.new_client(self.user) for _ in range(2)]
        assert self.signed_in(clients) == clients[1:]
        assert self.recorded() == self.key_of(clients[1])

    def test_case_14_a_login_gives_its_request_a_fresh_profile(self):
        user = get_user_model().objects.select_related("profile").get(pk=self.user.pk)
        request = RequestFactory().get("/")
        request.session = self.new_client(self.user).session
        self.enforce_single_login(signal=user_logged_in, sender=type(user), request=request, user=user)
        user.profile.save()
        assert self.recorded() == self.key_in(request.session)

    def test_case_17_a_logout_ends_the_session_and_logs_a_record_that_cannot_be_cleared(self):
        def refuse(execute, sql, *arguments):
            if sql.startswith("UPDATE") and "auth_userprofile" in sql:
                raise OperationalError("Lock wait timeout exceeded")
            return execute(sql, *arguments)

        client = self.new_client(self.user)
        recorded = self.recorded()
        logger = import_module(f"{apps.get_app_config('single_login').name}.one_session.slot").LOG
        with connection.execute_wrapper(refuse), self.assertLogs(logger, "ERROR") as logged:
            self.sign_out(client)
        assert not self.is_signed_in(client)
        assert self.recorded() == recorded
        assert f"user.id {self.user.pk}" in logged.output[0]
        assert recorded not in str(logged.output)

    @ddt.data(NOBODY, BY_GROUP)
    def test_single_login_writes_into_a_session_only_with_the_check_at_every_request(self, exemptions):
        with override_settings(**exemptions):
            written = self.written_keys(self.new_client(self.user).session)
        assert len(written) == settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST


@ddt.ddt
class EveryRequestCases(SlotCases):
    """The cases that need the check at every request."""

    def save_again(self, late):
        """Save the session ``late`` again, as a slow request may do. Return a client that has its cookie."""
        client = self.client_class()
        late.save(must_create=True)
        client.cookies[settings.SESSION_COOKIE_NAME] = self.cookie_of(late)
        return client

    def cookie_of(self, session):
        """Return the value of the session cookie of ``session``."""
        return session.session_key

    def rotated_key(self):
        """Return settings with a new SECRET_KEY and the earlier one as a fallback."""
        return override_settings(SECRET_KEY="new-and-just-as-secret", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY])

    def reasons_of(self, action):
        """Return the reasons in the audit lines of the evictions that ``action`` causes."""
        return [line.rpartition(" - ")[2] for line in self.evictions_of(action)]

    def announced(self, reason):
        """Return the reasons that are announced when a session is ended for ``reason``."""
        return [reason] if self.can_delete_sessions else []

    def test_case_4_a_signed_out_session_that_is_saved_again_is_ended_by_the_check(self):
        client = self.new_client(self.user)
        late = client.session
        assert late[SESSION_KEY] == str(self.user.pk)
        self.sign_out(client)
        assert self.recorded() is None
        client = self.save_again(late)
        lines = self.evictions_of(lambda: self.is_signed_in(client))
        assert not any(line.endswith("signed in elsewhere") for line in lines)
        assert not self.is_signed_in(client)

    def test_case_7_a_session_without_a_record_is_accepted_while_exempt(self):
        client = self.new_client(self.user)
        self.profiles.update(meta="{}")
        with override_settings(**BY_GROUP):
            assert self.is_signed_in(client)
        assert not self.is_signed_in(client)

    def test_case_7_signing_in_again_and_out_while_exempt_keeps_the_record(self):
        client = self.new_client(self.user)
        recorded = self.recorded()
        with override_settings(**BY_GROUP):
            assert self.sign_in(client, self.user).status_code in (200, 302)
            self.sign_out(client)
            assert not self.is_signed_in(client)
        assert self.recorded() == recorded is not None

    def test_case_7_signing_in_again_while_exempt_replaces_the_claim_by_the_rule(self):
        client = self.new_client(self.user)
        with override_settings(**BY_GROUP):
            assert self.sign_in(client, self.user).status_code in (200, 302)
            assert self.written_keys(client.session) == ["single_login_rule"]

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_8_the_check_ends_sessions_that_the_settings_no_longer_exempt(self, exemptions):
        with override_settings(**exemptions):
            clients = [self.new_client(self.user) for _ in range(3)]
        assert self.reasons_of(lambda: self.signed_in(clients)) == self.announced("no longer exempt") * 3
        assert self.signed_in(clients) == []

    @ddt.data(BY_USERNAME, BY_GROUP)
    def test_case_8_an_ended_session_does_not_come_back_with_the_exemption(self, exemptions):
        with override_settings(**exemptions):
            client = self.new_client(self.user)
        assert not self.is_signed_in(client)
        with override_settings(**exemptions):
            assert not self.is_signed_in(client)

    def test_case_8_the_check_ends_sessions_of_an_account_that_left_the_exempt_group(self):
        with override_settings(**BY_GROUP):
            exempt = [self.new_client(self.user) for _ in range(2)]
            self.user.groups.clear()
            assert self.signed_in(exempt) == []

    def test_case_8_another_rule_keeps_the_sessions_of_the_first(self):
        with override_settings(**BY_GROUP):
            clients = [self.new_client(self.user) for _ in range(2)]
        with override_settings(**BY_USERNAME):
            assert self.signed_in(clients) == clients
        assert self.signed_in(clients) == []

    def test_case_8_signing_in_again_after_the_exemption_takes_the_slot(self):
        with override_settings(**BY_GROUP):
            other, client = self.new_client(self.user), self.new_client(self.user)
        assert self.sign_in(client, self.user).status_code in (200, 302)
        assert self.signed_in([other, client]) == [client]
        assert self.recorded() == self.key_of(client)

    def test_case_8_an_exempt_session_that_is_recorded_gets_a_fresh_key(self):
        request = RequestFactory().get("/")
        with override_settings(**BY_GROUP):
            request.session = self.new_client(self.user).session
            assert SESSION_KEY in request.session
        key = request.session.session_key
        self.enforce_single_login(signal=user_logged_in, sender=type(self.user), request=request, user=self.user)
        request.session.save()
        assert request.session.session_key != key
        assert not request.session.exists(key)
        assert self.written_keys(request.session) == ["single_login_claim"]
        assert self.recorded() == self.key_in(request.session)

    def test_case_8_a_session_on_record_that_was_exempt_meanwhile_gets_a_fresh_key(self):
        request = RequestFactory().get("/")
        with override_settings(**BY_GROUP):
            session = self.new_client(self.user).session
            assert SESSION_KEY in session
        # The check may be ending the session in another tab, as no longer exempt.
        key = session.session_key
        self.profiles.update(meta=json.dumps({"session_id": key}))
        request.session, request.COOKIES[settings.SESSION_COOKIE_NAME] = session, key
        self.enforce_single_login(signal=user_logged_in, sender=type(self.user), request=request, user=self.user)
        assert self.recorded() == self.key_in(session) != key
        assert self.written_keys(session) == ["single_login_claim"]

    def test_case_8_a_session_that_is_no_longer_exempt_is_deleted_by_the_check(self):
        with override_settings(**BY_GROUP):
            client = self.new_client(self.user)
        session = client.session
        self.is_signed_in(client)
        assert not session.exists(session.session_key)

    def test_case_8_a_signal_tells_of_a_session_that_is_no_longer_exempt(self):
        with override_settings(**BY_GROUP):
            client = self.new_client(self.user)
        key = client.session.session_key
        received = self.signals_of(lambda: [self.is_signed_in(client) for _ in range(3)])
        assert received == [(self.user.pk, key, reason) for reason in self.announced("no longer exempt")]

    def test_case_8_a_session_that_a_new_password_ended_is_not_audited(self):
        with override_settings(**BY_GROUP):
            client = self.new_client(self.user)
        self.user.set_password(NEW_PASSWORD)
        self.user.save()
        assert self.evictions_of(lambda: self.is_signed_in(client)) == []
        assert not self.is_signed_in(client)

    def test_case_12_a_password_change_keeps_the_session_until_the_next_login(self):
        first = self.new_client(self.user)
        key = first.session.session_key
        self.change_password(first)
        assert first.session.session_key != key
        assert self.is_signed_in(first)
        second = self.new_client()
        assert self.sign_in(second, self.user, NEW_PASSWORD).status_code in (200, 302)
        assert self.signed_in([first, second]) == [second]

    def test_case_12_the_end_of_a_session_after_a_password_change_is_audited(self):
        first, second = self.new_client(self.user), self.new_client()

        def outlive():
            self.change_password(first)
            assert self.sign_in(second, self.user, NEW_PASSWORD).status_code in (200, 302)
            assert [self.is_signed_in(first) for _ in range(2)] == [False] * 2

        assert self.reasons_of(outlive) == self.announced("not the session on record")

    def test_case_12_a_logout_after_a_password_change_clears_the_slot(self):
        client = self.new_client(self.user)
        self.change_password(client)
        self.sign_out(client)
        assert self.recorded() is None

    def test_case_12_a_rotated_secret_key_keeps_the_session_until_the_next_login(self):
        first = self.new_client(self.user)
        with self.rotated_key():
            assert [self.is_signed_in(first) for _ in range(2)] == [True, True]
            second = self.new_client(self.user)
            assert self.signed_in([first, second]) == [second]

    def test_case_13_a_lone_session_from_before_takes_the_slot_until_the_next_login(self):
        lone = self.from_before()
        assert self.is_signed_in(lone)
        assert self.recorded() == self.key_of(lone)
        assert self.is_signed_in(lone)
        later = self.new_client(self.user)
        assert self.signed_in([lone, later]) == [later]

    def test_case_13_of_several_sessions_from_before_one_is_accepted(self):
        clients = [self.from_before() for _ in range(3)]
        assert self.signed_in(clients) == clients[:1]
        assert self.signed_in(reversed(clients)) == clients[:1]

    def test_case_13_the_session_that_the_platform_recorded_is_accepted(self):
        unrecorded, recorded = self.from_before(), self.from_before()
        self.profiles.update(meta=f'{{"session_id": "{self.key_of(recorded)}"}}')
        assert self.signed_in([unrecorded, recorded]) == [recorded]
        self.change_password(recorded)
        assert self.is_signed_in(recorded)

    def test_case_13_a_login_with_the_protection_off_is_not_called_a_login_elsewhere(self):
        first, second = self.new_client(self.user), self.from_before()
        reasons = self.reasons_of(lambda: self.signed_in([first, second]))
        assert self.signed_in([first, second]) == [first]
        assert reasons == self.announced("not the session on record")

    def test_case_13_a_session_that_a_password_change_has_ended_takes_no_slot(self):
        ended, lone = self.from_before(), self.from_before()
        with protection(False):
            self.change_password(lone)
        assert self.signed_in([ended, lone]) == [lone]

    @ddt.data("somebody-elses", None)
    def test_case_13_exempt_sessions_from_before_are_all_accepted_while_they_are_exempt(self, on_record):
        self.profiles.update(meta=json.dumps({"session_id": on_record}))
        clients = [self.from_before() for _ in range(3)]
        with override_settings(**BY_GROUP):
            assert self.signed_in(clients) == clients
        assert self.signed_in(clients) == []
        assert self.recorded() == on_record

    def test_case_13_a_session_from_before_without_a_profile_is_accepted(self):
        lone = self.from_before()
        self.profiles.all().delete()
        assert self.is_signed_in(lone)
        assert self.profiles.exists()

    @ddt.data("before-the-first", "after-the-first")
    def test_case_14_a_profile_saved_from_an_old_copy_never_leaves_two_sessions(self, copied):
        clients = [self.new_client(self.user)] if copied == "after-the-first" else []
        stale = self.profiles.get(user=self.user)
        clients += [self.new_client(self.user) for _ in range(2)]
        stale.save()
        # The session that the old copy names, if any, was deleted when the next one was recorded.
        is_on_record_again = copied == "after-the-first" and not self.can_delete_sessions
        assert self.signed_in(clients) == clients[:is_on_record_again]
        clients.append(self.new_client(self.user))
        assert self.signed_in(clients) == clients[-1:]

    def test_a_session_of_a_deleted_account_is_signed_out(self):
        client = self.new_client(self.user)
        with override_settings(**BY_GROUP):
            exempt = self.new_client(self.user)
        with protection(False):
            lone = self.new_client(self.user)
        get_user_model().objects.filter(pk=self.user.pk).delete()
        with override_settings(**BY_GROUP):
            assert self.signed_in([client, exempt, lone]) == []

    @ddt.data("null", "[]", "1", "{", "[" * 3000 + "]" * 3000)
    def test_the_check_ends_a_session_whose_record_cannot_be_read(self, meta):
        client = self.new_client(self.user)
        self.profiles.update(meta=meta)
        reasons = self.reasons_of(lambda: self.is_signed_in(client))
        assert not self.is_signed_in(client)
        assert reasons == self.announced("the profile's meta cannot be read")
        assert self.meta() == meta
