"""System checks of the setting from which the login rate limit takes the address of a client."""

from django.conf import settings
from django.core.checks import Error, Warning  # noqa: A004

SETTING = "CLOSEST_CLIENT_IP_FROM_HEADERS"
EXAMPLE = f"{SETTING}: [{{name: X-Forwarded-For, index: -1}}]"


def check_client_address(**kwargs):
    """Report ``user_authn.E001``: the setting is malformed, and every login would fail."""
    entries = getattr(settings, SETTING, [])
    if isinstance(entries, list | tuple) and all(map(_is_entry, entries)):
        return []
    return [
        Error(
            f"{SETTING} must be a list of entries with a name (text) and an index (a number), but it is {entries!r}.",
            hint=f"Write it like this: {EXAMPLE}",
            id="user_authn.E001",
        )
    ]


def check_client_address_deployed(**kwargs):
    """Report ``user_authn.W001`` and ``user_authn.W002``: a client can choose the address that is counted."""
    if check_client_address():
        return []
    entries = getattr(settings, SETTING, [])
    if not entries:
        return [
            Warning(
                f"{SETTING} is empty. A client with a private address can choose the address that the login rate limit "
                "counts.",
                hint="Let clients reach this server only through a proxy that appends their address to "
                f"X-Forwarded-For, and set {EXAMPLE}. With N such proxies in a row, the index is -N.",
                id="user_authn.W001",
            )
        ]
    return [
        Warning(
            f"{SETTING} takes entry {entry['index']} of X-Forwarded-For, which the client can write itself.",
            hint=f"Use a negative index. It counts from the end, where the proxy appends: {EXAMPLE}",
            id="user_authn.W002",
        )
        for entry in entries
        if entry["name"].lower() == "x-forwarded-for" and entry["index"] >= 0
    ]


def _is_entry(entry):
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("index"), int)
