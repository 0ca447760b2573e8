"""The content of a production LMS's session store, read without the LMS."""

import contextlib
import pickle
from collections import defaultdict

SIGNED_WITH = "django.contrib.sessions.SessionStore"


def stored_sessions(lms):
    """Return the session keys in the store, by the number of the account."""
    keys = defaultdict(set)
    for key, data in _in_database(lms) if lms.engine == "db" else _in_redis(lms):
        if "_auth_user_id" in data:
            keys[int(data["_auth_user_id"])].add(key)
    return dict(keys)


def _in_redis(lms):
    import redis

    prefix = f"{lms.prefix}:1:django.contrib.sessions.cache"
    with redis.Redis.from_url(lms.redis) as client:
        for name in list(client.scan_iter(f"{prefix}*", count=1000)):
            value = client.get(name)
            if value is not None:
                yield name.decode().removeprefix(prefix), pickle.loads(value)  # noqa: S301


def _in_database(lms):
    from django.contrib.sessions.serializers import JSONSerializer
    from django.core.signing import TimestampSigner

    signer = TimestampSigner(key=lms.secret_key, salt=SIGNED_WITH, fallback_keys=[])
    with contextlib.closing(lms.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT session_key, session_data FROM django_session")
        for key, data in cursor.fetchall():
            yield key, signer.unsign_object(data, serializer=JSONSerializer)
