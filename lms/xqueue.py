"""
The xqueue API of edx-submissions at its usual URLs.

Its login has the rate limits of the login path. A result that cannot be recorded is refused with the reason.
"""

import json
import logging
from http import HTTPStatus

from django.db import transaction
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from submissions.models import ExternalGraderDetail
from submissions.views import xqueue

from openedx.core.djangoapps.user_authn.attempts import sign_in
from openedx.core.djangoapps.user_authn.exceptions import AuthFailedError, CannotCountError, TooManyAttemptsError

LOG = logging.getLogger(__name__)

COLUMNS = ["username"]


@method_decorator(sensitive_post_parameters("password"), "dispatch")
class XQueueViewSet(xqueue.XQueueViewSet):
    """The xqueue, with limits on its login, and with reasons for refused results."""

    @action(detail=False, methods=["get", "post"], url_name="login")
    def login(self, request):
        """Set the CSRF cookie (GET), or sign in with ``username`` and ``password`` (POST)."""
        if request.method == "GET":
            return super().login(request)
        credentials = _find_credentials(request)
        if credentials is None:
            return self._refuse(HTTPStatus.BAD_REQUEST, "Insufficient login info")
        try:
            sign_in(request, *credentials, COLUMNS)
        except TooManyAttemptsError as refusal:
            return self._refuse(HTTPStatus.TOO_MANY_REQUESTS, refusal.value)
        except CannotCountError as refusal:
            return self._refuse(refusal.status, refusal.value)
        except AuthFailedError:
            return self._refuse(HTTPStatus.UNAUTHORIZED, "Incorrect login credentials")
        return Response(self.compose_reply(True, "Logged in"))

    @action(detail=False, methods=["post"], url_name="put_result")
    def put_result(self, request):
        """
        Record the result of a grader.

        A malformed result is refused (400). If its header is right, it counts as a failure of its submission: after
        some failures the submission is not offered again. A result that nobody waits for is refused too (409).
        """
        try:
            submission_id, key = _read_header(request)
        except ValueError as fault:
            return self._refuse(HTTPStatus.BAD_REQUEST, f"Incorrect reply format: {fault}")
        try:
            _check_reply(request)
        except ValueError as fault:
            LOG.warning("A grader sent no result for submission %s: %s", submission_id, fault)
            _count_failure(submission_id, key)
            return self._refuse(HTTPStatus.BAD_REQUEST, f"Incorrect reply format: {fault}")
        try:
            return super().put_result(request)
        except ValueError:
            # A submission in its present status takes no result.
            return self._refuse(HTTPStatus.CONFLICT, "The submission does not wait for this result")

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


def _read_header(request):
    """
    Return the number and the key of the submission that the result is for.

    Raises:
        ValueError: the header is malformed.
    """
    header = _parse_object(request, "xqueue_header")
    if not {"submission_id", "submission_key"} <= header.keys():
        raise ValueError("xqueue_header has no submission_id or no submission_key")
    try:
        # Python takes 1.5 and true for numbers, too.
        return int(str(header["submission_id"])), header["submission_key"]
    except ValueError:
        raise ValueError("submission_id is not a whole number") from None


def _check_reply(request):
    """
    Check the reply of a grader.

    Raises:
        ValueError: it is malformed.
    """
    score = _parse_object(request, "xqueue_body").get("score")
    if not isinstance(score, int | float) or not 0 <= score < float("inf"):
        raise ValueError("the score in xqueue_body is not a number from 0 up")


def _parse_object(request, name):
    try:
        text = request.data[name]
        # JSON can hold a lone surrogate, which cannot be stored.
        text.encode()
        value = json.loads(text)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return value


@transaction.atomic
def _count_failure(submission_id, key):
    """Count a failure of the submission, if ``key`` is the one with which it was pulled."""
    details = ExternalGraderDetail.objects.select_for_update()
    pulled = details.filter(submission__id=submission_id, status="pulled").first()
    if pulled is None or pulled.pullkey != key:
        return
    is_last = pulled.num_failures + 1 >= xqueue.MAX_SCORE_UPDATE_RETRIES
    pulled.update_status("failed" if is_last else "retry")


router = SimpleRouter()
router.register("", XQueueViewSet, basename="xqueue")
urlpatterns = router.urls
