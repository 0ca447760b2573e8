"""How often somebody may be refused: docs/decisions/0005-attempts-are-counted-by-account-and-address.rst."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django_ratelimit.core import get_usage
from edx_django_utils.ip import get_safest_client_ip

GROUP = "openedx.core.djangoapps.user_authn.login"
# How many addresses it takes to use up an account's attempts for every other one.
ADDRESSES_PER_ACCOUNT = 10
# What one customer of an Internet provider has at the least.
IPV6_PREFIX = 64


def is_client_limited(request):
    """Tell whether the client's address was refused too often (``LOGISTRATION_RATELIMIT_RATE``)."""
    return _is_used_up(request, "address", get_client(request), settings.LOGISTRATION_RATELIMIT_RATE)


def is_account_limited(request, account):
    """
    Tell whether ``account`` was refused too often: this client, or ten times as often everybody.

    ``account`` is what ``name_account`` returns. The rate is ``LOGISTRATION_PER_EMAIL_RATELIMIT_RATE``.
    """
    rate = settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
    return _is_used_up(request, "account_and_address", f"{get_client(request)} {account}", rate) or _is_used_up(
        request, "account", account, rate, times=ADDRESSES_PER_ACCOUNT
    )


def count_refusal(request, account):
    """Count one refused attempt to sign in to ``account``."""
    client, rate = get_client(request), settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
    _count(request, "address", client, settings.LOGISTRATION_RATELIMIT_RATE, increment=True)
    _count(request, "account_and_address", f"{client} {account}", rate, increment=True)
    _count(request, "account", account, rate, increment=True)


def name_account(user, sent):
    """
    Return the name under which attempts are counted: the account's that was found, or else what was ``sent``.

    What was sent does not do for an account: a database may find it by many spellings.
    """
    return f"user {user.pk}" if user else f"sent {sent.strip().lower()}"


def get_client(request):
    """Return the client's safest address; of an IPv6 address, the network that its customer has."""
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
