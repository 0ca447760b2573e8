"""Limits on failed logins. See docs/decisions/0005-attempts-are-counted-by-account-and-address.rst."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django_ratelimit.core import get_usage
from edx_django_utils.ip import get_safest_client_ip

GROUP = "openedx.core.djangoapps.user_authn.login"
# An account has this many times the attempts of one address. After that, it is limited for every address.
ADDRESSES_PER_ACCOUNT = 10
# The smallest network that a provider gives to one customer.
IPV6_PREFIX = 64


def is_client_limited(request):
    """Tell whether too many attempts from the client's address failed (``LOGISTRATION_RATELIMIT_RATE``)."""
    return _is_used_up(request, "address", get_client(request), settings.LOGISTRATION_RATELIMIT_RATE)


def is_account_limited(request, account):
    """
    Tell whether too many attempts on ``account`` failed: from this client, or ten times as many from all clients.

    ``account`` is a name from ``name_account``. The rate is ``LOGISTRATION_PER_EMAIL_RATELIMIT_RATE``.
    """
    rate = settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
    return _is_used_up(request, "account_and_address", f"{get_client(request)} {account}", rate) or _is_used_up(
        request, "account", account, rate, times=ADDRESSES_PER_ACCOUNT
    )


def count_refusal(request, account):
    """Count one failed attempt on ``account``."""
    client, rate = get_client(request), settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
    _count(request, "address", client, settings.LOGISTRATION_RATELIMIT_RATE, increment=True)
    _count(request, "account_and_address", f"{client} {account}", rate, increment=True)
    _count(request, "account", account, rate, increment=True)


def name_account(user, sent):
    """
    Return the name under which attempts are counted: the number of the account, or the text that was ``sent``.

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


def _is_used_up(request, name, value, rate, times=1):
    usage = _count(request, name, value, rate, increment=False)
    return usage is not None and usage["count"] >= times * usage["limit"]


def _count(request, name, value, rate, increment):
    return get_usage(request, group=f"{GROUP}.{name}", key=lambda *_: value, rate=rate, increment=increment)
