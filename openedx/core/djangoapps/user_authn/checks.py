"""System checks of the settings of the login."""

from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.core.checks import Error, Warning  # noqa: A004

from openedx.core.djangoapps.user_authn.hashers import NormalizedPassword

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


def check_telemetry(**kwargs):
    """Report ``user_authn.W003``: ``OPENEDX_TELEMETRY`` is not a list of names, so nothing is monitored."""
    backends = getattr(settings, "OPENEDX_TELEMETRY", None)
    if backends is None or (isinstance(backends, list | tuple) and all(isinstance(each, str) for each in backends)):
        return []
    return [
        Warning(
            f"OPENEDX_TELEMETRY must be a list of class names, but it is {backends!r}. Logins are not monitored.",
            hint='Write it like this: OPENEDX_TELEMETRY: ["edx_django_utils.monitoring.NewRelicBackend"]',
            id="user_authn.W003",
        )
    ]


def check_password_hasher(**kwargs):
    """Report ``user_authn.W004``: new passwords are not hashed in the form in which the login checks them."""
    hasher = type(get_hasher())
    if issubclass(hasher, NormalizedPassword):
        return []
    return [
        Warning(
            f"The first of PASSWORD_HASHERS is {hasher.__module__}.{hasher.__qualname__}. It hashes passwords as they "
            "are typed, but the login checks them in NFKC. Some passwords with characters beyond ASCII do not open.",
            hint=f"Put a class first that inherits from {NormalizedPassword.__module__}.{NormalizedPassword.__name__} "
            "and from that hasher.",
            id="user_authn.W004",
        )
    ]


def check_support_address(**kwargs):
    """Report ``user_authn.W005``: the notice of a login elsewhere cannot say who gives a new password."""
    if getattr(settings, "SUPPORT_SITE_LINK", None) or getattr(settings, "TECH_SUPPORT_EMAIL", None):
        return []
    return [
        Warning(
            "Neither SUPPORT_SITE_LINK nor TECH_SUPPORT_EMAIL is set. People whose session was ended by a login that "
            "they cannot explain are not told whom to ask for a new password.",
            hint="Set one of them: the address of a page, or an e-mail address.",
            id="user_authn.W005",
        )
    ]


def _is_entry(entry):
    return isinstance(entry, dict) and isinstance(entry.get("name"), str) and isinstance(entry.get("index"), int)
