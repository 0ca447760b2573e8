"""Live sessions by account, if the site's session engine keeps a list of them."""

from collections import Counter

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from ..one_session.site_store import site_store

CHUNK = 1000


class NoListOfSessionsError(Exception):
    """The site's session engine cannot list its sessions."""


def count_sessions() -> Counter[int]:
    """
    Return the number of unexpired sessions of each account, by its primary key. Reads sessions as a stream.

    Raises:
        NoListOfSessionsError: only the engines ``db`` and ``cached_db``, and those made from them, keep a list.
    """
    store = site_store()
    if not issubclass(store, DatabaseStore):
        raise NoListOfSessionsError(
            f"The session engine {store.__module__} keeps no list of its sessions: "
            "nobody can tell which accounts have more than one. The engines db and cached_db keep one."
        )
    sessions = store.get_model_class().objects.filter(expire_date__gt=timezone.now())
    decode = store().decode
    to_key = get_user_model()._meta.pk.to_python
    found = (decode(data) for data in sessions.values_list("session_data", flat=True).iterator(chunk_size=CHUNK))
    return Counter(to_key(data[SESSION_KEY]) for data in found if SESSION_KEY in data)
