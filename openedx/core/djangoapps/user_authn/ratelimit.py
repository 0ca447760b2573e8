"""How often somebody may try to sign in."""

from django.conf import settings
from django_ratelimit.core import is_ratelimited
from edx_django_utils.ip import get_safest_client_ip

GROUP = "openedx.core.djangoapps.user_authn.login"


def is_login_limited(request, identifier):
    """
    Count one attempt to sign in, and tell whether there were too many.

    Attempts are counted by the client's safest IP address (``LOGISTRATION_RATELIMIT_RATE``) and by the e-mail or
    username that was sent (``LOGISTRATION_PER_EMAIL_RATELIMIT_RATE``), whether or not such an account exists.
    """
    by_client = is_ratelimited(
        request,
        group=f"{GROUP}.ip",
        key=lambda group, request: get_safest_client_ip(request),
        rate=settings.LOGISTRATION_RATELIMIT_RATE,
        increment=True,
    )
    by_account = is_ratelimited(
        request,
        group=f"{GROUP}.email",
        key=lambda group, request: identifier.strip().lower(),
        rate=settings.LOGISTRATION_PER_EMAIL_RATELIMIT_RATE,
        increment=True,
    )
    return by_client or by_account
