"""The xqueue API of edx-submissions at its usual URLs. Its login has the rate limits of the login path."""

from http import HTTPStatus

from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from submissions.views import xqueue

from openedx.core.djangoapps.user_authn.attempts import sign_in
from openedx.core.djangoapps.user_authn.exceptions import AuthFailedError, CannotCountError, TooManyAttemptsError

COLUMNS = ["username"]


@method_decorator(sensitive_post_parameters("password"), "dispatch")
class XQueueViewSet(xqueue.XQueueViewSet):
    """The xqueue, with limits on its login."""

    @action(detail=False, methods=["get", "post"], url_name="login")
    def login(self, request):
        """Set the CSRF cookie (GET), or sign in with ``username`` and ``password`` (POST)."""
        if request.method == "GET":
            return super().login(request)
        credentials = _find_credentials(request)
        if credentials is None:
            return self._refuse(HTTPStatus.BAD_REQUEST, "Insufficient login info")
        try:
            sign_in(request, *credentials, COLUMNS, seconds=None)
        except TooManyAttemptsError as refusal:
            return self._refuse(HTTPStatus.TOO_MANY_REQUESTS, refusal.value)
        except CannotCountError as refusal:
            return self._refuse(refusal.status, refusal.value)
        except AuthFailedError:
            return self._refuse(HTTPStatus.UNAUTHORIZED, "Incorrect login credentials")
        return Response(self.compose_reply(True, "Logged in"))

    def _refuse(self, status, content):
        return Response(self.compose_reply(False, content), status=status)


def _find_credentials(request):
    """Return the username and the password, or None unless both were sent and are text."""
    try:
        sent = [request.data[name] for name in ("username", "password")]
        # JSON can hold a lone surrogate, which cannot be stored.
        "".join(sent).encode()
    except (RecursionError, LookupError, TypeError, UnicodeEncodeError):
        return None
    return sent


router = SimpleRouter()
router.register("", XQueueViewSet, basename="xqueue")
urlpatterns = router.urls
