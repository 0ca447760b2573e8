"""Limits on failed logins. See docs/decisions/0005-failed-logins-are-counted-by-account-and-address.rst."""

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django_ratelimit.core import get_usage
from edx_django_utils.ip import get_safest_client_ip

GROUP = "openedx.core.djangoapps.user_authn.login"
# All addresses together may make this many times the failed logins to an account that one of them may. After that, the
# account is limited for every address.
ADDRESSES_PER_ACCOUNT = 10
# The smallest network that a provider gives to one customer.
IPV6_PREFIX = 64
# An entry of the cache that shows whether it keeps what is written. Another one is written after this time.
PROBE = f"{GROUP}.probe"
PROBE_SECONDS = 60


@dataclass(frozen=True)
class Limit:
    """A limit on the failed logins of one address, of one account, or of one account from one address."""

    name: str
    value: str
    setting: str
    times: int = 1

    def count(self, request, increment):
        """Count one failed login if ``increment`` is true. Return the usage, or None if the site has no such limit."""
        rate = getattr(settings, self.setting)
        group = f"{GROUP}.{self.name.replace(' ', '_')}"
        return get_usage(request, group=group, key=lambda *_: self.value, rate=rate, increment=increment)


def find_limit(request, account):
    """
    Return the limit that ``account`` or the client has reached, in words, or None.

    ``account`` is a name from ``name_account``.
    """
    for limit in _limits(request, account):
        usage = limit.count(request, increment=False)
        if usage is not None and usage["count"] >= limit.times * usage["limit"]:
            return f"{limit.times * usage['limit']} by {limit.name} ({limit.setting})"
    return None


def count_failure(request, account):
    """Count one failed login to ``account``."""
    for limit in _limits(request, account):
        limit.count(request, increment=True)


def can_count():
    """
    Tell whether the cache keeps what is written to it.

    While its server is away, a cache may forget everything without an error (DJANGO_REDIS_IGNORE_EXCEPTIONS).
    """
    if not getattr(settings, "RATELIMIT_ENABLE", True):
        return True
    cache = caches[getattr(settings, "RATELIMIT_USE_CACHE", DEFAULT_CACHE_ALIAS)]
    if cache.get(PROBE) == PROBE:
        return True
    cache.set(PROBE, PROBE, timeout=PROBE_SECONDS)
    return cache.get(PROBE) == PROBE


def name_account(user, sent):
    """
    Return the name under which failed logins are counted: the number of the account, or the text that was ``sent``.

    The text is used only if no account was found. A database may find one account by several spellings.
    """
    return f"user {user.pk}" if user else f"sent {sent.strip().lower()}"


def get_client(request):
    """Return the client's safest address. Of an IPv6 address, return the network of the customer."""
    client = get_safest_client_ip(request)
    try:
        address = ip_address(client)
    except ValueError:
        # A Unix socket has no address.
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address), IPV6_PREFIX), strict=False))
    return client


def _limits(request, account):
    client = get_client(request)
    return [
        Limit("address", client, "LOGISTRATION_RATELIMIT_RATE"),
        Limit("account and address", f"{client} {account}", "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE"),
        Limit("account", account, "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE", times=ADDRESSES_PER_ACCOUNT),
    ]
