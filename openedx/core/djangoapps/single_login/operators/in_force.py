"""Whether what the settings of this app ask for is in force in this process. One question, asked everywhere."""

from collections.abc import Iterator

from django.conf import settings

from ..exemptions import PROTECTION, is_any_name_set, is_every_request_checked, is_protection_on
from ..guard import SIGNALS, find_guarded_signals
from ..settings import (
    JWT_COOKIE_MIDDLEWARE,
    PLATFORM_JWT_MIDDLEWARE,
    SESSION_CHECK_MIDDLEWARE,
    SESSION_ENGINE,
    SITE_ENGINE,
    find_session_middleware,
)
from .finding import Finding

NOTHING_SET = "No account and no group is named in the settings."


def is_anything_set() -> bool:
    """Tell whether the settings name an account or a group, or ask for the check at every request."""
    return is_any_name_set() or is_every_request_checked()


def why_not_in_force() -> list[str]:
    """Return why what the settings ask for is not in force in this process. An empty list means that it is."""
    if not is_anything_set():
        return [NOTHING_SET]
    return [finding.message for finding in (*find_obstacles(), *find_missing_parts())]


def describe_force() -> list[str]:
    """Say in sentences whether what the settings ask for is in force in this process."""
    reasons = why_not_in_force()
    if not reasons:
        return [f"{_subject()} in force."]
    are_exemptions_in_force = is_any_name_set() and not find_obstacles()
    return ["The exemptions are in force.", *reasons] if are_exemptions_in_force else reasons


def find_obstacles() -> list[Finding]:
    """Return what keeps the exemptions from having an effect: the guard is missing, or the protection is off."""
    return [*_find_missing_guard(), *_find_protection_off()]


def _subject() -> str:
    if not is_every_request_checked():
        return "The exemptions are"
    if not is_any_name_set():
        return "The check at every request is"
    return "The exemptions and the check at every request are"


def _partly_in_force() -> str:
    clauses = {
        "the exemptions are not fully in force": is_any_name_set() or not is_every_request_checked(),
        "the check at every request is not in force": is_every_request_checked(),
    }
    return ", and ".join(clause for clause, is_asked_for in clauses.items() if is_asked_for).capitalize()


def _find_missing_guard() -> Iterator[Finding]:
    guarded = find_guarded_signals()
    hint = (
        "Install a release of openedx-single-login that supports this platform. Until then the platform works as "
        "without the app. If it has these settings itself, it exempts accounts itself."
    )
    if not guarded:
        message = (
            f"{_subject()} not in force: the app `student` has no UserProfile.set_login_session, or its "
            f"enforce_single_login is not connected to {' and '.join(SIGNALS)}."
        )
        yield Finding("single_login.W004", message, hint)
    elif missing := [name for name in SIGNALS if name not in guarded]:
        message = f"{_partly_in_force()}: enforce_single_login is connected to {guarded[0]}, but not to {missing[0]}."
        yield Finding("single_login.W005", message, hint)


def _find_protection_off() -> Iterator[Finding]:
    if not is_protection_on():
        message = f"{_subject()} not in force: {PROTECTION} is off, so no login evicts a session."
        yield Finding("single_login.W006", message, "Turn the protection on, or remove the settings of this app.")


def find_missing_parts() -> Iterator[Finding]:
    """Find the parts of the check at every request that are not in place."""
    if not (is_every_request_checked() and is_protection_on()):
        return
    check = "The check at every request is not"
    lacks = f"{check} fully in force: MIDDLEWARE lacks"
    overridden = "A settings file that is read after the plugin settings (Tutor's can be) overrides"
    if settings.SESSION_ENGINE != SESSION_ENGINE:
        message = f"{check} in force: SESSION_ENGINE is {settings.SESSION_ENGINE!r}."
        hint = f"{overridden} SESSION_ENGINE. Let that file set {SITE_ENGINE} instead."
        yield Finding("single_login.W007", message, hint, "SESSION_ENGINE")
    names = list(map(str, settings.MIDDLEWARE or ()))
    if SESSION_CHECK_MIDDLEWARE not in names[find_session_middleware(names) or 0 :]:
        message = f"{lacks} {SESSION_CHECK_MIDDLEWARE!r} after the session middleware."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly after the session middleware."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
    if PLATFORM_JWT_MIDDLEWARE in names and JWT_COOKIE_MIDDLEWARE not in names[: names.index(PLATFORM_JWT_MIDDLEWARE)]:
        message = f"{lacks} {JWT_COOKIE_MIDDLEWARE!r} before {PLATFORM_JWT_MIDDLEWARE!r}."
        hint = f"{overridden} MIDDLEWARE. Let that file name it, directly before {PLATFORM_JWT_MIDDLEWARE}."
        yield Finding("single_login.W008", message, hint, "MIDDLEWARE")
