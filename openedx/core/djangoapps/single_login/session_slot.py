"""
The slot for the one session of an account: ``UserProfile.meta["session_id"]``.

A login records its session's key there while it holds the profile's row, and writes the same key into the session: the
*claim*. The session engine compares the two whenever a session is loaded, so nothing else has to hold.
"""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from django.apps import apps
from django.conf import global_settings, settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.db import router, transaction
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, get_random_string

from . import audit
from .exemptions import Rule
from .settings import SESSION_ENGINE, SITE_ENGINE

META_KEY = "session_id"
# In a session: the key under which it took the slot, or the rule that let it in without one. Never both.
CLAIM = "single_login_claim"
RULE = "single_login_rule"

SIGNED_IN_ELSEWHERE = "signed in elsewhere"
NO_LONGER_EXEMPT = "no longer exempt"


def parse_meta(text: str) -> dict[str, Any]:
    """
    Return the JSON object in ``text``, the column ``meta`` of a profile. An empty column means an empty object.

    Raises:
        ValueError: the column holds anything else. It is never overwritten then.
    """
    try:
        meta = json.loads(text or "{}")
    except (ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        # The column may hold a session key, so the message does not quote it.
        raise ValueError("meta of auth_userprofile is not a JSON object. Correct it, or empty it.")
    return meta


class Profile(Protocol):
    """What is needed of the platform's ``UserProfile``."""

    pk: int
    meta: str

    def get_meta(self) -> dict[str, Any]: ...
    def set_meta(self, meta: dict[str, Any]) -> None: ...


def take(user: User, session: SessionBase) -> None:
    """
    Give ``user``'s slot to ``session``; the session recorded before is deleted after the commit.

    A session that signs in again gets a fresh key: whoever evicts it at this moment will delete the old one.
    """
    with transaction.atomic(using=_database()):
        profile = _hold_profile(user)
        earlier = recorded_key(profile)
        if CLAIM in session or RULE in session or getattr(session, "is_about_to_take", False):
            _renew_key(session)
        elif session.session_key is None:
            session.create()
        claim = new_claim(session, session.session_key)
        record(profile, claim)
        if earlier:
            after_commit(partial(_evict, user, earlier))
    # Whatever else saves the profile in this request shall not bring the earlier record back.
    user.profile = profile  # type: ignore[assignment]
    session.pop(RULE, None)
    session[CLAIM] = claim


def take_if_free(user: User, data: dict[str, Any], claim: str | None) -> str | None:
    """
    Record ``claim`` of the session whose data are ``data`` for ``user`` if nothing else is on record; return it then.

    A session that a password change has made worthless does not get it.
    """
    with transaction.atomic(using=_database()):
        # The account's row first, as a login does: the two could wait for each other otherwise.
        account = get_user_model().objects.select_for_update().get(pk=user.pk)
        profile = _hold_profile(account)
        recorded = recorded_key(profile)
        # Another request of this session may have been faster.
        if (recorded and recorded != claim) or not _is_current(account, data):
            return None
        record(profile, claim)
        return claim


def leave(user: User, session: SessionBase) -> None:
    """Clear ``user``'s slot if ``session`` has it; an exempt session, which lives by a rule, costs nothing."""
    if RULE in session:
        return
    # Without a claim it is from before the rule. Another request of it may have taken the slot a moment ago.
    claim = session.get(CLAIM, session.session_key)
    with transaction.atomic(using=_database()):
        profile: Profile | None = _profiles().select_for_update().filter(user=user).first()
        if profile is not None and recorded_key(profile) == claim:
            record(profile, None)
            user.profile = profile  # type: ignore[assignment]


def pass_by(user: User, session: SessionBase, rule: Rule) -> None:
    """Let ``session`` in by ``rule``, without the slot: the record is neither read nor written."""
    _profiles().get_or_create(user=user, defaults={"name": user.get_username()})
    session.pop(CLAIM, None)
    session[RULE] = [rule.setting, rule.name]


def new_claim(session: SessionBase, session_key: str | None) -> str | None:
    """Return the claim of ``session``: the key, or a random one where the key is what the session holds."""
    return get_random_string(32) if isinstance(session, signed_cookies.SessionStore) else session_key


def find_recorded_key(user: User) -> str | None:
    """Return the session key on record for ``user``, or None: one statement, never on a replica."""
    profile: Profile | None = _profiles().filter(user=user).only("meta").first()
    return recorded_key(profile) if profile else None


def recorded_key(profile: Profile) -> str | None:
    """Return the session key that ``profile`` records, or None."""
    return profile.get_meta().get(META_KEY)


def record(profile: Profile, session_key: str | None) -> None:
    """Write ``session_key``, or None for nobody's, into the slot of ``profile``, and into no other column."""
    profile.set_meta({**profile.get_meta(), META_KEY: session_key})
    _profiles().filter(pk=profile.pk).update(meta=profile.meta)


def after_commit(action: Callable[[], object]) -> None:
    """Run ``action`` when no lock is held any more; what it raises is logged, and no more."""
    # Not the partial itself: Django names the function in its log line.
    transaction.on_commit(lambda: action(), using=_database(), robust=True)


def site_store() -> type[SessionBase]:
    """Return the session store of the site's own engine."""
    is_ours = settings.SESSION_ENGINE == SESSION_ENGINE
    engine = getattr(settings, SITE_ENGINE, global_settings.SESSION_ENGINE) if is_ours else settings.SESSION_ENGINE
    store: type[SessionBase] = import_module(engine).SessionStore
    return store


def _renew_key(session: SessionBase) -> None:
    # As ``cycle_key`` does, but the old one is deleted with the commit: a logout in another tab holds the profile and
    # waits for it, and if the request fails it is still on record.
    data, key = dict(session.items()), session.session_key
    session.create()
    session.update(data)
    if key:
        after_commit(site_store()(key).delete)


def _evict(user: User, session_key: str) -> None:
    store = site_store()(session_key)
    data = store.load()
    was_alive = data.get(SESSION_KEY) == str(user.pk) and _is_current(user, data)
    store.delete()
    if was_alive:
        audit.announce_eviction(user, session_key, SIGNED_IN_ELSEWHERE)


def _is_current(user: User, data: dict[str, Any]) -> bool:
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(str(data.get(HASH_SESSION_KEY)), each) for each in hashes)


def _hold_profile(user: User) -> Profile:
    profiles = _profiles().select_for_update()
    profile: Profile = profiles.get_or_create(user=user, defaults={"name": user.get_username()})[0]
    return profile


def _profiles() -> QuerySet[Any]:
    return apps.get_model("student", "UserProfile").objects.using(_database())


def _database() -> str:
    return router.db_for_write(apps.get_model("student", "UserProfile"))
