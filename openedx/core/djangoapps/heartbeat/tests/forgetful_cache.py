"""A cache whose server is away."""

from django.core.cache.backends.locmem import LocMemCache


class ForgetfulCache(LocMemCache):
    """A cache that ignores its errors while its server is away, as django-redis can: it answers, and keeps nothing."""

    def get(self, key, default=None, version=None):
        """Return the default, as for an entry that is not there."""
        return default

    def _do_nothing(self, *args, **kwargs):
        """Do nothing, and return None as django-redis does."""

    add = set = incr = delete = has_key = touch = _do_nothing
