"""
One session per account, held safely.

The key of the account's one session is recorded in ``UserProfile.meta["session_id"]``: that is the slot. Two sides
keep it exact when several requests of one account meet (docs/decisions/0002-two-sided-eviction.rst):

* the winner records its key while it holds the profile's row, commits, and then deletes the earlier session once more;
* the loser, whenever it saves its session, reads the record *after* saving, and deletes its own session when the record
  names another.

Whichever of the two comes last sees the other, so nothing atomic is asked of the session store.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError, IntegrityError, router, transaction

from . import audit, eviction_notice
from .exemptions import is_protection_on

META_KEY = "session_id"
# In a session: the key under which it took the slot. Sessions that never took one, exempt ones above all, lack it.
HELD_KEY = "single_login_held"


def take(user: Any, session: Any, record: Callable[[], None]) -> None:
    """
    Give ``user``'s slot to ``session``, which gets a key first if it has none.

    ``record`` writes the key to ``user.profile``, and deletes the session recorded before. It runs while the profile's
    row is held, on a fresh ``user.profile``, unless the slot is ``session``'s already.
    """
    if session.session_key is None:
        session.save()
    try:
        _hold_and_record(user, session.session_key, record)
    except IntegrityError:
        # Another first login created the profile at the same moment: now it is there to be held.
        _hold_and_record(user, session.session_key, record)
    if session.get(HELD_KEY) != session.session_key:
        session[HELD_KEY] = session.session_key
    yield_to_later_logins(session)


def leave(user: Any, session: Any, clear: Callable[[], None]) -> None:
    """Run ``clear`` on a fresh ``user.profile``, its row held, if the slot is ``session``'s; leave it alone if not."""
    with transaction.atomic():
        profile = _profiles().select_for_update().filter(user=user).first()
        if profile is not None and recorded_key(profile) == session.session_key:
            user.profile = profile
            clear()


def yield_to_later_logins(session: Any) -> None:
    """
    Let ``session``, whenever it is saved, give way if it held the slot and a later login took it.

    Its ``save`` then deletes it and raises ``UpdateError``, for which Django's session middleware answers 400. It is
    deleted, too, when the database fails before it could be known. Nothing is read unless it is saved.
    """

    def save(must_create: bool = False) -> None:
        type(session).save(session, must_create)
        # A session that is only being created is saved again, with its data, at the end of the request.
        if must_create or not is_protection_on():
            return
        try:
            if _is_superseded(session):
                raise UpdateError
        except (UpdateError, DatabaseError):
            # A record that cannot be read may name another: a session that nobody can vouch for must not outlive it.
            session.delete()
            raise

    session.save = save


def recorded_key(profile: Any) -> str | None:
    """Return the session key that ``profile`` records, or None."""
    key: str | None = profile.get_meta().get(META_KEY)
    return key


def delete_session(session_key: str) -> None:
    """Delete the session of this key from the session store; a missing one is as good as deleted."""
    import_module(settings.SESSION_ENGINE).SessionStore(session_key).delete()


def ensure_profile(user: Any) -> None:
    """Create ``user``'s profile, named as the account is, if it is missing."""
    _profiles().get_or_create(user=user, defaults={"name": user.get_username()})


def _hold_and_record(user: Any, session_key: str, record: Callable[[], None]) -> None:
    profiles = _profiles()
    with transaction.atomic():
        held = profiles.select_for_update().filter(user=user).first()
        user.profile = held or profiles.create(user=user, name=user.get_username())
        earlier = recorded_key(user.profile)
        if earlier == session_key:
            return
        record()
        if recorded_key(user.profile) != session_key:
            # A platform with an exemption of its own, less strict than ours, has recorded nothing.
            user.profile.set_login_session(session_key)
        if earlier is not None:
            transaction.on_commit(partial(_evict, user, earlier))


def _evict(user: Any, session_key: str) -> None:
    # ``record`` deleted it before the commit; a request of that session may have saved it again since.
    delete_session(session_key)
    audit.log_eviction(user)
    eviction_notice.leave(session_key)


def _is_superseded(session: Any) -> bool:
    held = session.get(HELD_KEY)
    if held is None:
        return False
    profiles = _profiles()
    # Not from a replica, which may lag behind the commit that this read has to see.
    current = profiles.using(router.db_for_write(profiles.model))
    profile = current.filter(user_id=session.get(SESSION_KEY)).only("meta").first()
    return profile is None or recorded_key(profile) != held


def _profiles() -> Any:
    field: Any = get_user_model()._meta.get_field("profile")
    return field.related_model.objects
