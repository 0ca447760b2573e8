"""
One session per account, held safely.

The key of the account's one session is recorded in ``UserProfile.meta["session_id"]``: that is the slot. Two sides
keep it exact when several logins of one account meet (docs/decisions/0002-two-sided-eviction.rst):

* the winner records its key while it holds the profile's row, commits, and then deletes the earlier session once more;
* the loser, whenever its login request saves its session, reads the record *after* saving, and deletes its own session
  when the record names another.

Whichever of the two comes last sees the other, so nothing atomic is asked of the session store.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.db import IntegrityError, transaction

from . import audit

META_KEY = "session_id"


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
    _yield_to_later_logins(user, session)


def leave(user: Any, session: Any, clear: Callable[[], None]) -> None:
    """Run ``clear`` on a fresh ``user.profile``, its row held, if the slot is ``session``'s; leave it alone if not."""
    with transaction.atomic():
        profile = _profiles(user).select_for_update().filter(user=user).first()
        if profile is not None and recorded_key(profile) == session.session_key:
            user.profile = profile
            clear()


def recorded_key(profile: Any) -> str | None:
    """Return the session key that ``profile`` records, or None."""
    key: str | None = profile.get_meta().get(META_KEY)
    return key


def delete_session(session_key: str) -> None:
    """Delete the session of this key from the session store; a missing one is as good as deleted."""
    import_module(settings.SESSION_ENGINE).SessionStore(session_key).delete()


def ensure_profile(user: Any) -> None:
    """Create ``user``'s profile, named as the account is, if it is missing."""
    _profiles(user).get_or_create(user=user, defaults={"name": user.get_username()})


def _hold_and_record(user: Any, session_key: str, record: Callable[[], None]) -> None:
    profiles = _profiles(user)
    with transaction.atomic():
        held = profiles.select_for_update().filter(user=user).first()
        user.profile = held or profiles.create(user=user, name=user.get_username())
        earlier = recorded_key(user.profile)
        if earlier == session_key:
            return
        record()
        if earlier is not None:
            transaction.on_commit(partial(_evict, user, earlier))


def _yield_to_later_logins(user: Any, session: Any) -> None:
    key = session.session_key

    def save(must_create: bool = False) -> None:
        type(session).save(session, must_create)
        # A session that is only being created is saved again, with its data, at the end of the request.
        if must_create or session.get(SESSION_KEY) != str(user.pk):
            return
        profile = _profiles(user).filter(user_id=user.pk).only("meta").first()
        if profile is None or recorded_key(profile) != key:
            session.delete()
            raise UpdateError

    session.save = save


def _evict(user: Any, session_key: str) -> None:
    # ``record`` deleted it before the commit; a request of that session may have saved it again since.
    delete_session(session_key)
    audit.log_eviction(user)


def _profiles(user: Any) -> Any:
    return user._meta.get_field("profile").related_model.objects
