"""The heartbeat: ask the database, the cache and the session store."""

import logging
from importlib import import_module

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

LOG = logging.getLogger(__name__)
PROBE = "heartbeat"


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
    cache.set(PROBE, PROBE, timeout=10)
    if cache.get(PROBE) != PROBE:
        raise ConnectionError("The cache did not return the stored value.")


def _ask_session_store():
    import_module(settings.SESSION_ENGINE).SessionStore().exists(PROBE)
