"""
The heartbeat: ask the database, the cache and the session store.

In the cache and in the session store it writes a value and reads it back: with DJANGO_REDIS_IGNORE_EXCEPTIONS, a cache
whose server is away reports no error.
"""

import logging
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.core.cache import cache
from django.db import connection, transaction
from django.http import JsonResponse
from django.utils.crypto import get_random_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

LOG = logging.getLogger(__name__)
PROBE = "heartbeat"
PROBE_SECONDS = 10


# With ATOMIC_REQUESTS, a database that does not answer would fail the request before the view.
@transaction.non_atomic_requests
@never_cache
@require_safe
def heartbeat(request):
    """Answer 200 if the database, the cache and the session store answer, else 503. The JSON tells which one failed."""
    checks = {"sql": _ask_database, "cache": _ask_cache, "sessions": _ask_session_store}
    result = {service: _outcome(service, ask) for service, ask in checks.items()}
    healthy = all(outcome["status"] for outcome in result.values())
    return JsonResponse(result, status=200 if healthy else 503)


def _outcome(service, ask):
    # A driver may raise any exception. The reason goes only to the log: everybody can read the answer.
    try:
        ask()
    except Exception:
        LOG.exception("Heartbeat: %s does not answer", service)
        return {"status": False, "message": "Does not answer"}
    return {"status": True, "message": "OK"}


def _ask_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _ask_cache():
    key = f"{PROBE}.{get_random_string(12)}"
    cache.set(key, PROBE, timeout=PROBE_SECONDS)
    if cache.get(key) != PROBE:
        raise ConnectionError("The cache did not return the stored value.")
    cache.delete(key)


def _ask_session_store():
    store_class = import_module(settings.SESSION_ENGINE).SessionStore
    session = store_class()
    session[PROBE] = PROBE
    session.set_expiry(PROBE_SECONDS)
    # create() would try ten thousand keys while a cache is away that ignores its errors.
    session._session_key = get_random_string(32, VALID_KEY_CHARS)
    session.save(must_create=True)
    if store_class(session.session_key).get(PROBE) != PROBE:
        raise ConnectionError("The session store did not return the stored session.")
    session.delete()
