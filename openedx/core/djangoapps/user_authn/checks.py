"""System checks: attempts to sign in are counted by the address of the client, not by one that it makes up."""

from django.conf import settings
from django.core.checks import Error, Warning  # noqa: A004

SETTING = "CLOSEST_CLIENT_IP_FROM_HEADERS"
EXAMPLE = f"{SETTING}: [{{name: X-Forwarded-For, index: -1}}]"


def check_client_address(**kwargs):
    """Report ``user_authn.E001``: an entry of the setting that would fail at the first attempt to sign in."""
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
    """Report ``user_authn.W001`` and ``user_authn.W002``: settings with which a client can choose its address."""
    if check_client_address():
        return []
    entries = getattr(settings, SETTING, [])
    if not entries:
        return [
            Warning(
                f"{SETTING} is empty: a client with a private address can make up the one that its attempts to sign in "
                "are counted by.",
                hint="Have the proxy append the client's address to X-Forwarded-For, as proxies do, let nobody past "
                f"it, and name that place: {EXAMPLE}. With N such proxies in a row the index is -N.",
                id="user_authn.W001",
            )
        ]
    return [
        Warning(
            f"{SETTING} takes entry {entry['index']} of X-Forwarded-For, counted from the end that the client writes.",
            hint=f"Count from the end that the proxy appends to: {EXAMPLE}",
            id="user_authn.W002",
        )
        for entry in entries
        if entry["name"].lower() == "x-forwarded-for" and entry["index"] >= 0
    ]


def _is_entry(entry):
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("index"), int)
