"""
The slot for the one session of an account: ``UserProfile.meta["session_id"]``.

A login records the key of its session in the slot. With the check at every request it also writes this key into the
session, after the commit: the *claim*. The claim stays the same when the session's key changes, so the check can
compare it with the record.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.db import DatabaseError, OperationalError, transaction
from django.db.models import OuterRef, Subquery
from django.utils.crypto import constant_time_compare, get_random_string

from .. import audit
from ..exemptions import Rule, is_every_request_checked
from ..transactions import after_commit, profile_database
from .decision import SIGNED_IN_ELSEWHERE
from .site_store import delete_session, site_store

if TYPE_CHECKING:
    # The platform imports this module before its models are loaded.
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest

LOG = logging.getLogger(__name__)

META_KEY = "session_id"
# In a session: the key under which it was recorded, or the rule that exempted its login. Never both.
CLAIM = "single_login_claim"
RULE = "single_login_rule"


class Profile(Protocol):
    """The part of the platform's ``UserProfile`` that the slot needs."""

    pk: int
    user: User
    meta: str


def find_or_create_profile(user: User) -> Profile:
    """Return the profile of ``user``, read now. Create it if it is missing."""
    profile: Profile
    profile, _ = _profiles().get_or_create(user=user, defaults={"name": user.get_username()})
    return profile


@contextmanager
def prepare_session(user: User, profile: Profile, request: HttpRequest) -> Iterator[str | None]:
    """
    Prepare the session with which ``user`` has just signed in, so that it can be recorded inside this context.

    If the context ends with an error, or its transaction is rolled back, the browser keeps the session that it had.

    Yields:
        The key that must be recorded, or None if the session is on record already. Then it keeps its key.

    Raises:
        ValueError: the profile's ``meta`` cannot be read.
    """
    # Other code in this request may save ``user.profile``. Give it this instance, or it would write an old record back.
    user.profile = profile  # type: ignore[assignment]
    session = request.session
    if _is_on_record(profile, session):
        yield None
        return
    # Another login may be evicting the session under its old key.
    old_key = _renew_key(session) if _needs_new_key(request) else None
    # Not earlier: no lock is held while the store is called, and an error there leaves the caller's transaction whole.
    with transaction.atomic(using=profile_database(), savepoint=False):
        if old_key:
            after_commit(type(session)(old_key).delete)
        claim = new_claim(session)
        after_commit(partial(_note_claim, session, claim))
        yield claim


def replace_record(profile: Profile, session_key: str | None) -> None:
    """
    Put ``session_key``, or None for no session, into the slot of ``profile``. Evict the session that was on record.

    The row is locked and read again. Only ``meta`` is written. The eviction follows the commit. Nothing is recorded if
    the stored password hash is no longer the one of ``profile.user``: Django does not accept this session. The password
    was changed, or a later login upgraded the hash and is recorded itself.

    Raises:
        ValueError: the profile's ``meta`` cannot be read. It is not overwritten.
    """
    with transaction.atomic(using=profile_database(), savepoint=False):
        earlier, stored_password = _read_locked(profile)
        if session_key and stored_password != profile.user.password:
            return
        _write(profile, session_key)
        if earlier and earlier != session_key:
            after_commit(partial(_evict, profile.user, earlier))


def clear_own_record(user: User, session: SessionBase) -> None:
    """
    Clear the slot of ``user``, after the commit, if it holds the record of ``session``.

    Never raises and never waits for a row's lock: the logout must go on. (SQLite has no such locks. There it can wait
    for another writer.) A record that is left names a session that has ended, which does no harm.
    """
    # An exempt session has no record.
    if RULE not in session:
        after_commit(partial(_clear_record, user, session.get(CLAIM, session.session_key)))


def note_rule(session: SessionBase, rule: Rule) -> None:
    """With the check at every request, note in ``session`` the rule that exempts it. It has no claim then."""
    if is_every_request_checked():
        session.pop(CLAIM, None)
        session[RULE] = [rule.setting, rule.name]


def take_free_slot(data: dict[str, Any], claim: str) -> bool:
    """
    Record ``claim`` for the account of a session if no other session is on record. Return whether it is on record now.

    ``data`` is the content of the session. A session that Django does not accept does not get the slot. Nothing is
    recorded if another transaction holds one of the rows.
    """
    if find_user(data) is None:
        return False
    try:
        with transaction.atomic(using=profile_database()):
            # Lock the account's row first, as a login does, to avoid deadlocks.
            accounts = get_user_model()._default_manager.using(profile_database())
            account = accounts.select_for_update(nowait=True).filter(pk=data[SESSION_KEY]).first()
            if account is None or not has_same_password(account, data):
                return False
            profile = find_or_create_profile(account)
            recorded, _ = _read_locked(profile, nowait=True)
            if recorded and recorded != claim:
                return False
            _write(profile, claim)
            return True
    except OperationalError as error:
        LOG.info("A session of user.id %s gets its free slot at a later request: %s", data[SESSION_KEY], error)
        return False


def new_claim(session: SessionBase) -> str:
    """Return the claim for ``session``: its key, or a random string if the key is the session's content."""
    if isinstance(session, signed_cookies.SessionStore):
        return get_random_string(32)
    return str(session.session_key)


def find_key_on_record(user: User) -> str | None:
    """
    Return the session key on record for ``user``, or None. Costs one statement, on the database that is written to.

    Raises:
        ValueError: the profile's ``meta`` cannot be read.
    """
    meta = _profiles().filter(user=user).values_list("meta", flat=True).first()
    return parse_meta(meta or "").get(META_KEY)


def parse_meta(text: str) -> dict[str, Any]:
    """
    Return the JSON object in ``text``, the column ``meta`` of a profile. An empty column means an empty object.

    Raises:
        ValueError: the column holds anything else.
    """
    try:
        meta = json.loads(text or "{}")
    except (ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        # The column may hold a session key, so the message does not quote it.
        raise ValueError("The meta of an auth_userprofile is not a JSON object. Correct it, or empty it.")
    return meta


def find_user(data: dict[str, Any]) -> User | None:
    """
    Return the account for which Django accepts a session with these ``data``, or None.

    As Django's ``get_user``, but without what that writes. The backend of the login decides about inactive accounts.
    """
    backend = str(data.get(BACKEND_SESSION_KEY))
    if backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    user: User | None = load_backend(backend).get_user(get_user_model()._meta.pk.to_python(data[SESSION_KEY]))
    return user if user is not None and has_same_password(user, data) else None


def has_same_password(user: User, data: dict[str, Any]) -> bool:
    """Tell whether a session with these ``data`` began with the password that ``user`` has now."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(str(data.get(HASH_SESSION_KEY)), each) for each in hashes)


def _is_on_record(profile: Profile, session: SessionBase) -> bool:
    """
    Tell whether the record, as it was read with ``profile``, names ``session``.

    No lock is needed: a login that replaces the record after this came later, and evicts this session. A session
    with a rule may be ended by the check at this moment.
    """
    claim = session.get(CLAIM) if is_every_request_checked() else None
    recorded = parse_meta(profile.meta).get(META_KEY)
    return bool(recorded) and RULE not in session and recorded == (claim or session.session_key)


def _needs_new_key(request: HttpRequest) -> bool:
    """Tell whether the session of ``request`` has no key yet, or has a key from before this login."""
    session, sent_key = request.session, request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return CLAIM in session or RULE in session or session.session_key in (None, sent_key)


def _renew_key(session: SessionBase) -> str | None:
    """Give ``session`` a new key, and return the old one. Unlike ``cycle_key``, keep the session under the old key."""
    data, old_key = dict(session.items()), session.session_key
    session.create()
    session.update(data)
    return old_key


def _note_claim(session: SessionBase, claim: str) -> None:
    session.pop(RULE, None)
    session.pop(CLAIM, None)
    if is_every_request_checked():
        session[CLAIM] = claim


def _evict(user: User, session_key: str) -> None:
    data = site_store()(session_key).load()
    # The account has just signed in, so it is not asked whether it may.
    if delete_session(session_key) and data.get(SESSION_KEY) == str(user.pk) and has_same_password(user, data):
        audit.announce_eviction(user, session_key, SIGNED_IN_ELSEWHERE)


def _clear_record(user: User, claim: str | None) -> None:
    try:
        with transaction.atomic(using=profile_database()):
            profile: Profile | None = _profiles().filter(user=user).first()
            if profile is not None and _read_locked(profile, nowait=True)[0] == claim:
                _write(profile, None)
    except DatabaseError:
        LOG.exception("The record of a session of user.id %s was not cleared at its logout", user.pk)


def _read_locked(profile: Profile, nowait: bool = False) -> tuple[Any, str]:
    """
    Lock the row of ``profile`` and read its ``meta`` again.

    Returns:
        The session key on record, and the account's stored hash of its password. The account is not locked.
    """
    password = get_user_model()._default_manager.filter(pk=OuterRef("user_id")).values("password")
    locked = _profiles().select_for_update(nowait=nowait).annotate(password=Subquery(password))
    meta, stored_password = locked.values_list("meta", "password").get(pk=profile.pk)
    profile.meta = str(meta)
    return parse_meta(profile.meta).get(META_KEY), stored_password


def _write(profile: Profile, session_key: str | None) -> None:
    """Write ``session_key`` into the slot of ``profile``, whose row is locked, and into no other column."""
    profile.meta = json.dumps({**parse_meta(profile.meta), META_KEY: session_key})
    _profiles().filter(pk=profile.pk).update(meta=profile.meta)


def _profiles() -> QuerySet[Any]:
    return apps.get_model("student", "UserProfile").objects.using(profile_database())
