"""
Random sequences of logins, requests, changed settings and races, compared with a model of single login.

The sequences are the same in each run. Set STATE_MACHINE_EXAMPLES=1000 in the environment for 1000 new ones per test.
"""

import itertools
import os
from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends import signed_cookies
from django.core.cache import cache
from django.test import Client, TransactionTestCase, override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from common.djangoapps.student.models import UserProfile
from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.single_login.one_session.site_store import site_store
from openedx.core.djangoapps.single_login.tests.level_settings import every_request, exempt_only
from openedx.core.djangoapps.single_login.tests.single_login_cases import GROUP

EXAMPLES = os.environ.get("STATE_MACHINE_EXAMPLES")
BROWSERS, ACCOUNTS = range(3), range(2)
USERNAMES = [f"account{number}" for number in ACCOUNTS]

browsers, accounts = st.sampled_from(BROWSERS), st.sampled_from(ACCOUNTS)
# The browsers that have a session in the store, even one that has ended.
holders = st.runner().flatmap(lambda machine: st.sampled_from(machine.find_holders()))
any_browser_holds_a_session = precondition(lambda machine: machine.find_holders())


@dataclass
class Account:
    """An account of the model. Its record is the number of a claim."""

    username: str
    record: int | None = None
    password: int = 0
    is_active: bool = True
    is_member: bool = False


@dataclass(frozen=True)
class Session:
    """A session of the model that somebody is signed in with, as the store has it."""

    account: Account
    password: int
    secret: int
    claim: int | None = None
    rule: str | None = None


class Model:
    """The expected state: which browser is signed in, and which session is on record."""

    def __init__(self, *, sessions_in_cookies, checks_every_request):
        self.numbers = itertools.count(1)
        # A session in a cookie gets a new key whenever it is saved, and cannot be deleted.
        self.is_cookie = sessions_in_cookies
        self.checks_every_request = checks_every_request
        self.accounts = [Account(username) for username in USERNAMES]
        self.keys = dict.fromkeys(BROWSERS)
        self.store = {}
        self.is_on, self.usernames, self.has_group, self.secret = True, frozenset(), False, 0

    def exemption(self, account):
        """Return the rule that exempts ``account`` now."""
        if account.username in self.usernames:
            return "username"
        return "group" if self.has_group and account.is_member else None

    def still_exempts(self, rule, account):
        """Tell whether ``rule``, which exempted a login, still exempts ``account``."""
        return account.username in self.usernames if rule == "username" else self.has_group and account.is_member

    def delete(self, key):
        """Delete the session of this key from the store, if the store can delete."""
        if not self.is_cookie:
            self.store.pop(key, None)

    def save(self, browser, session, *, fresh_key=False):
        """Store ``session`` as the session of ``browser``."""
        if fresh_key or self.is_cookie:
            self.delete(self.keys[browser])
            self.keys[browser] = next(self.numbers)
        self.store[self.keys[browser]] = session

    def drop(self, browser):
        """Delete the session of ``browser``, and its cookie."""
        self.delete(self.keys[browser])
        self.keys[browser] = None

    def check(self, key):
        """Return the session of this key with its claim or rule, or None if it is not accepted."""
        session = self.store[key]
        account = session.account
        if session.rule and self.still_exempts(session.rule, account):
            return session
        claim = session.claim or key
        if not session.rule and account.record == claim:
            return replace(session, claim=claim)
        if rule := self.exemption(account):
            return replace(session, claim=None, rule=rule)
        is_from_before = not session.rule and not session.claim
        return session if is_from_before and not account.record else None

    def new_claim(self, key):
        """Return the claim of the session of this key."""
        return next(self.numbers) if self.is_cookie else key

    def load(self, browser):
        """Return the session of ``browser``, or None if it has none or its session has ended."""
        key = self.keys[browser]
        if key not in self.store:
            return None
        return self.check(key) if self.is_on and self.checks_every_request else self.store[key]

    def visit(self, browser, *, signs_out=False):
        """Send a request from ``browser``. Return its session, or None if it is not signed in."""
        session = self.load(browser)
        loaded_key = self.keys[browser]
        if session is None or (session.account.is_active and session.password != session.account.password):
            self.drop(browser)
            return None
        is_rotated = session.account.is_active and session.secret != self.secret
        if is_rotated:
            session = replace(session, secret=self.secret)
        is_free = self.is_on and self.checks_every_request and not session.claim and not session.rule
        if is_free and session.account.is_active and not signs_out:
            session.account.record = self.new_claim(loaded_key)
            session = replace(session, claim=session.account.record)
        if session != self.store[self.keys[browser]]:
            self.save(browser, session, fresh_key=is_rotated)
        return session if session.account.is_active else None

    def sign_in(self, browser, account):
        """Sign ``account`` in with ``browser``. Return whether that succeeded."""
        if not account.is_active:
            return False
        earlier = self.load(browser)
        session = Session(account, account.password, self.secret)
        is_again = earlier is not None and replace(earlier, claim=None, rule=None) == session
        if is_again:
            session = earlier
        exemption = self.exemption(account)
        if self.is_on and exemption and self.checks_every_request:
            session = replace(session, claim=None, rule=exemption)
        key = self.keys[browser]
        is_on_record = is_again and not session.rule and account.record in {session.claim or key} - {None}
        takes_the_slot = self.is_on and not exemption and not is_on_record
        self.save(browser, session, fresh_key=takes_the_slot or not is_again)
        if takes_the_slot:
            self.delete(account.record)
            account.record = self.new_claim(self.keys[browser])
            claim = account.record if self.checks_every_request else None
            self.store[self.keys[browser]] = replace(session, claim=claim, rule=None)
        return True

    def sign_out(self, browser):
        """Sign ``browser`` out."""
        session = self.visit(browser, signs_out=True)
        if session and self.is_on and not session.rule:
            claim = session.claim or self.keys[browser]
            if claim == session.account.record:
                session.account.record = None
        self.drop(browser)

    def change_password(self, browser):
        """Change the password of the account that is signed in with ``browser``. Return the account, or None."""
        session = self.visit(browser)
        if session is None:
            return None
        session.account.password += 1
        self.save(browser, replace(session, password=session.account.password), fresh_key=True)
        return session.account


class Machine(RuleBasedStateMachine):
    """Applies each step to the LMS and to the model, and compares them."""

    def __init__(self):
        super().__init__()
        get_user_model().objects.all().delete()
        cache.clear()
        self.store = site_store()
        self.model = Model(
            sessions_in_cookies=issubclass(self.store, signed_cookies.SessionStore),
            checks_every_request=settings.SINGLE_LOGIN_CHECK_EVERY_REQUEST,
        )
        self.clients = [Client() for _ in BROWSERS]
        self.users = [UserFactory(username=username, is_staff=True) for username in USERNAMES]
        for user in self.users:
            user.set_password(self.password(0))
            user.save()
            UserProfile.objects.get_or_create(user=user, defaults={"name": user.username})
        self.group, _ = Group.objects.get_or_create(name=GROUP)
        self.late, self.profiles = [], []
        # The keys on record, by the numbers of the model.
        self.names = {None: None}
        self.settings = None
        self.configure()

    def teardown(self):
        self.every_browser_sends_a_request(BROWSERS)
        self.settings.disable()

    def password(self, number):
        return f"a password, the {number}th"

    def configure(self):
        model = self.model
        if self.settings:
            self.settings.disable()
        self.settings = override_settings(
            FEATURES={**settings.FEATURES, "PREVENT_CONCURRENT_LOGINS": model.is_on},
            SINGLE_LOGIN_EXEMPT_USERNAMES=sorted(model.usernames),
            SINGLE_LOGIN_EXEMPT_GROUPS=[GROUP] if model.has_group else [],
            SECRET_KEY=f"secret {model.secret}",
            SECRET_KEY_FALLBACKS=[f"secret {number}" for number in range(model.secret)],
            LOGISTRATION_RATELIMIT_RATE="1000000/5m",
            LOGISTRATION_PER_EMAIL_RATELIMIT_RATE="1000000/5m",
        )
        self.settings.enable()

    def cookie(self, browser):
        morsel = self.clients[browser].cookies.get(settings.SESSION_COOKIE_NAME)
        return morsel.value if morsel else None

    def recorded(self, account):
        return UserProfile.objects.get(user=self.users[account]).get_meta().get("session_id")

    def find_holders(self):
        return [browser for browser in BROWSERS if self.model.keys[browser] in self.model.store]

    @initialize(account=accounts)
    def first_browser_signs_in(self, account):
        self.sign_in(0, account)

    @rule(browser=browsers, account=accounts)
    def sign_in(self, browser, account):
        user, model = self.users[account], self.model.accounts[account]
        data = {"email": user.email, "password": self.password(model.password)}
        response = self.clients[browser].post("/login_ajax", data)
        assert response.status_code == (200 if self.model.sign_in(browser, model) else 400)

    @any_browser_holds_a_session
    @rule(browser=holders, elsewhere=browsers)
    def same_account_signs_in_elsewhere(self, browser, elsewhere):
        self.sign_in(elsewhere, self.find_account(browser))

    @any_browser_holds_a_session
    @rule(browser=holders)
    def sign_in_again(self, browser):
        self.sign_in(browser, self.find_account(browser))

    def find_account(self, browser):
        return self.model.accounts.index(self.model.store[self.model.keys[browser]].account)

    @any_browser_holds_a_session
    @rule(browser=holders)
    def sign_out(self, browser):
        assert self.clients[browser].get("/logout").status_code == 200
        self.model.sign_out(browser)

    @rule(browser=browsers)
    def send_a_request(self, browser):
        is_signed_in = self.clients[browser].get("/dashboard").status_code == 200
        assert is_signed_in == bool(self.model.visit(browser))

    @rule(order=st.permutations(BROWSERS))
    def every_browser_sends_a_request(self, order):
        accepted = {}
        for browser in order:
            self.send_a_request(browser)
        for browser in order:
            if self.clients[browser].get("/dashboard").status_code == 200:
                session = self.store(self.cookie(browser))
                accepted.setdefault(int(session["_auth_user_id"]), []).append(session)
        for account, user in enumerate(self.users):
            sessions = accepted.get(user.pk, [])
            is_exempt = self.model.exemption(self.model.accounts[account])
            if self.model.is_on and self.model.checks_every_request and sessions and not is_exempt:
                assert [session["single_login_claim"] for session in sessions] == [self.recorded(account)]

    @any_browser_holds_a_session
    @rule(browser=holders)
    def change_the_password_while_signed_in(self, browser):
        account = self.model.change_password(browser)
        number = account.password if account else 0
        old, new = self.password(number - 1), self.password(number)
        data = {"old_password": old, "new_password1": new, "new_password2": new}
        response = self.clients[browser].post("/admin/password_change/", data)
        assert response.status_code == 302
        assert response.url.endswith("/done/") is bool(account)

    @rule(account=accounts)
    def administrator_sets_the_password(self, account):
        self.model.accounts[account].password += 1
        user = get_user_model().objects.get(pk=self.users[account].pk)
        user.set_password(self.password(self.model.accounts[account].password))
        user.save()

    @rule()
    def rotate_the_secret_key(self):
        self.model.secret += 1
        self.configure()

    @rule(is_on=st.sampled_from([True, True, False]))
    def switch_the_protection(self, is_on):
        self.model.is_on = is_on
        self.configure()

    @rule(usernames=st.frozensets(st.sampled_from(USERNAMES), max_size=1), has_group=st.booleans())
    def set_the_exemptions(self, usernames, has_group):
        self.model.usernames, self.model.has_group = usernames, has_group
        self.configure()

    @rule(account=accounts, is_member=st.booleans())
    def set_the_membership(self, account, is_member):
        self.model.accounts[account].is_member = is_member
        self.users[account].groups.set([self.group] if is_member else [])

    @rule(account=accounts, is_active=st.booleans())
    def set_the_activity(self, account, is_active):
        self.model.accounts[account].is_active = is_active
        get_user_model().objects.filter(pk=self.users[account].pk).update(is_active=is_active)

    @precondition(lambda machine: machine.find_holders() and not machine.model.is_cookie)
    @rule(browser=holders)
    def session_expires(self, browser):
        self.store(self.cookie(browser)).delete()
        self.model.delete(self.model.keys[browser])

    @any_browser_holds_a_session
    @rule(browser=holders)
    def request_loads_a_session(self, browser):
        session = self.store(self.cookie(browser))
        assert "_auth_user_id" in session
        key = self.model.keys[browser]
        self.late.append((browser, session, key, self.model.store[key]))

    @any_browser_holds_a_session
    @rule(browser=holders, elsewhere=browsers)
    def request_is_overtaken(self, browser, elsewhere):
        self.request_loads_a_session(browser)
        if browser == elsewhere:
            self.sign_out(browser)
        else:
            self.same_account_signs_in_elsewhere(browser, elsewhere)
        self.put_back(*self.late[-1])

    @precondition(lambda machine: machine.late)
    @rule(data=st.data())
    def earlier_request_saves_its_session_late(self, data):
        self.put_back(*data.draw(st.sampled_from(self.late)))

    def put_back(self, browser, session, key, stored):
        if not self.model.is_cookie:
            session.save(must_create=not session.exists(session.session_key))
        self.clients[browser].cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        self.model.keys[browser] = key
        self.model.store[key] = stored

    @rule(account=accounts)
    def request_reads_a_profile(self, account):
        profile = UserProfile.objects.get(user=self.users[account])
        self.profiles.append((profile, account, self.model.accounts[account].record))

    @precondition(lambda machine: machine.profiles)
    @rule(data=st.data())
    def earlier_request_saves_its_whole_profile(self, data):
        profile, account, record = data.draw(st.sampled_from(self.profiles))
        profile.save()
        self.model.accounts[account].record = record

    @invariant()
    def record_is_the_one_of_the_model(self):
        recorded = {profile.user_id: profile.get_meta().get("session_id") for profile in UserProfile.objects.all()}
        for user, account in zip(self.users, self.model.accounts, strict=True):
            key = recorded[user.pk]
            assert self.names.setdefault(account.record, key) == key
        assert len(set(self.names.values())) == len(self.names)


class StateMachineTest(TransactionTestCase):
    """Exempt only, with sessions in the database."""

    def test_lms_agrees_with_the_model_in_every_sequence(self):
        run_state_machine_as_test(
            Machine,
            settings=hypothesis_settings(
                max_examples=int(EXAMPLES or 15),
                stateful_step_count=40,
                derandomize=not EXAMPLES,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@override_settings(**exempt_only("cache"))
class StateMachineCacheTest(StateMachineTest):
    """Exempt only, with sessions in the cache."""


@override_settings(**every_request("db"))
class EveryRequestStateMachineTest(StateMachineTest):
    """At every request, with sessions in the database."""


@override_settings(**every_request("cached_db"))
class EveryRequestStateMachineCachedDbTest(StateMachineTest):
    """At every request, with sessions in the database behind a cache."""


@override_settings(**every_request("cache"))
class EveryRequestStateMachineCacheTest(StateMachineTest):
    """At every request, with sessions in the cache."""


@override_settings(**every_request("file"))
class EveryRequestStateMachineFileTest(StateMachineTest):
    """At every request, with sessions in files."""


@override_settings(**every_request("signed_cookies"))
class EveryRequestStateMachineSignedCookiesTest(StateMachineTest):
    """At every request, with sessions in cookies."""
