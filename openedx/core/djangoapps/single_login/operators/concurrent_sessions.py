"""Accepted sessions by account, if the site's session engine keeps a list of them."""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from ..exemptions import is_every_request_checked
from ..one_session.site_store import site_store
from ..one_session.slot import find_user


class NoListOfSessionsError(Exception):
    """The site's session engine cannot list its sessions."""


def count_concurrent_sessions() -> Counter[int]:
    """
    Return the number of accepted sessions of each account that has more than one, by its primary key.

    Sessions are read as a stream. Those of accounts with several unexpired ones are asked for one by one.

    Raises:
        NoListOfSessionsError: only the engines ``db`` and ``cached_db``, and those made from them, keep a list.
    """
    unexpired = Counter(data[SESSION_KEY] for _, data in _read_unexpired())
    accepted: Counter[int] = Counter()
    for session_key, data in _read_unexpired():
        if unexpired[data[SESSION_KEY]] > 1 and find_user(data) and _is_accepted_by_check(session_key):
            accepted[get_user_model()._meta.pk.to_python(data[SESSION_KEY])] += 1
    return Counter({pk: count for pk, count in accepted.items() if count > 1})


def _read_unexpired() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the key and the content of each unexpired session in which somebody signed in."""
    store_class = site_store()
    if not issubclass(store_class, DatabaseStore):
        raise NoListOfSessionsError(
            f"The session engine {store_class.__module__} keeps no list of its sessions: "
            "nobody can tell which accounts have more than one. The engines db and cached_db keep one."
        )
    sessions = store_class.get_model_class().objects.filter(expire_date__gt=timezone.now())
    decode = store_class().decode
    for key, text in sessions.values_list("session_key", "session_data").iterator():
        data = decode(text)
        if SESSION_KEY in data:
            yield key, data


def _is_accepted_by_check(session_key: str) -> bool:
    """Tell whether the check at every request, if it is on, accepts a session. To load a session changes nothing."""
    if not is_every_request_checked():
        return True
    return bool(import_module(settings.SESSION_ENGINE).SessionStore(session_key).load())
