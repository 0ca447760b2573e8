"""Attempts to sign in: find the account, apply the rate limits, check the password, log in."""

import logging
from contextlib import contextmanager, nullcontext
from functools import reduce
from operator import or_

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model, login
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import MultipleObjectsReturned
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Q

from openedx.core.djangoapps.user_authn.exceptions import (
    AuthFailedError,
    CannotCountError,
    InactiveAccountError,
    TooManyAttemptsError,
)
from openedx.core.djangoapps.user_authn.password_policy_validators import normalize_password
from openedx.core.djangoapps.user_authn.ratelimit import can_count, count_failure, find_limit, get_client, name_account

AUDIT_LOG = logging.getLogger("audit")

# Errors of MySQL and MariaDB about a value with characters that the column's character set lacks. The app single_login
# has the same list. A test compares them, because this app does not import that one.
CHARACTER_ERRORS = frozenset({1267, 1270, 1271, 3854, 3988})


def sign_in(request, identifier, password, columns):
    """
    Sign in with the account that has ``identifier`` in one of ``columns``.

    An identifier or a password that is too long for every account is refused before any work is done on it.

    Raises:
        AuthFailedError: nobody was signed in. The login failed, was limited or could not be tried.
    """
    if not identifier or not password:
        raise AuthFailedError("There was an error receiving your login information. Please try again.")
    password = normalize_password(password)
    if password is None or not fits(identifier, columns):
        raise _incorrect_credentials()
    with attempt(request, identifier, columns) as user:
        _log_in(request, user, password)


@contextmanager
def attempt(request, identifier, columns):
    """
    Yield the account that has ``identifier`` in one of ``columns``, or None. The caller signs it in inside the context.

    An AuthFailedError inside the context is audited. It is counted as a failed login, unless the password was right.

    Raises:
        TooManyAttemptsError: too many logins of the client or to the account have failed.
        CannotCountError: the cache does not keep the counts.
    """
    user = find_user(identifier, columns)
    account = name_account(user, identifier)
    _refuse_unless_counted()
    if limit := find_limit(request, account):
        described = _described(user, identifier)
        AUDIT_LOG.warning("Login limited - %s - %s - failed too often: %s", described, get_client(request), limit)
        raise TooManyAttemptsError
    try:
        yield user
    except InactiveAccountError:
        AUDIT_LOG.warning("Login failed - Inactive account - %s", _described(user, identifier))
        raise
    except AuthFailedError:
        count_failure(request, account)
        _log_failure(identifier)
        raise


def _refuse_unless_counted():
    if can_count():
        return
    AUDIT_LOG.error("Failed logins cannot be counted: the cache does not keep what is written to it")
    if not getattr(settings, "RATELIMIT_FAIL_OPEN", False):
        raise CannotCountError


def fits(identifier, columns):
    """Tell whether ``identifier`` is no longer than one of ``columns`` of an account."""
    fields = get_user_model()._meta
    return len(identifier) <= max(fields.get_field(column).max_length for column in columns)


def find_user(identifier, columns):
    """
    Return the account that has ``identifier`` in one of ``columns``, or None if there is none or more than one.

    Raises:
        AuthFailedError: no account can have ``identifier``, because a column cannot hold its characters.
    """
    users = get_user_model().objects
    try:
        return users.get(reduce(or_, (Q((column, identifier)) for column in columns)))
    except (users.model.DoesNotExist, MultipleObjectsReturned):
        return None
    except OperationalError as error:
        if error.args and error.args[0] in CHARACTER_ERRORS:
            raise _incorrect_credentials() from error
        raise


@contextmanager
def refuse_if_deleted(request, user):
    """
    Sign ``user`` in inside this context. If the account is deleted meanwhile, sign nobody in.

    Raises:
        AuthFailedError: the account was deleted. The answer is the same as for an unknown account.
    """
    try:
        # Inside the request's transaction, use a savepoint: a database error must not break it. Outside, open no
        # transaction: it would stay open while the password is hashed.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            yield
    except DatabaseError:
        if get_user_model().objects.filter(pk=user.pk).exists():
            raise
        request.session.flush()
        request.user = AnonymousUser()
        raise _incorrect_credentials() from None


def _log_in(request, user, password):
    user = _authenticate(request, user, password)
    if user is None:
        raise _incorrect_credentials()
    if not user.is_active:
        raise InactiveAccountError
    with refuse_if_deleted(request, user):
        login(request, user)


def _authenticate(request, user, password):
    """
    Return ``user`` if the password is right, else None. Every path hashes exactly one password.

    The password of an inactive account is checked here: Django's backend returns None for every password.
    """
    if user is not None and not user.is_active:
        return user if user.check_password(password) else None
    # No account has an empty username. For an unknown account, the backend hashes the password too.
    return authenticate(request, username=user.get_username() if user else "", password=password)


def _incorrect_credentials():
    return AuthFailedError("Email or password is incorrect.", "incorrect-email-or-password")


def _described(user, identifier):
    if not settings.FEATURES["SQUELCH_PII_IN_LOGS"]:
        return user.get_username() if user else repr(identifier)
    return f"user.id: {user.pk}" if user else "unknown account"


def _log_failure(identifier):
    if settings.FEATURES["SQUELCH_PII_IN_LOGS"]:
        AUDIT_LOG.warning("Login failed - Unknown user or incorrect password")
    else:
        AUDIT_LOG.warning("Login failed - Unknown user or incorrect password - %r", identifier)
