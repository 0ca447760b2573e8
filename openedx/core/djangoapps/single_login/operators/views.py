"""The report as a page, for staff."""

from dataclasses import asdict

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..exemptions import is_protection_on
from .report import Report

PAGE_SIZE = 50
# As strict as the page allows, whatever the platform's own policy is. The admin is reached by links, not by forms.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@never_cache
@require_safe
def exemptions(request: HttpRequest) -> HttpResponse:
    """
    Show staff who is exempt, why, and what needs attention: as a page, or as JSON with ``?format=json``.

    Where that is refused JSON is answered with JSON, 401 or 403. Another format is answered with 400.
    """
    if request.GET.get("format", "json") != "json":
        return HttpResponseBadRequest("Leave the format out, for a page, or ask for format=json.", "text/plain")
    as_json = "format" in request.GET
    if not request.user.is_authenticated:
        if as_json:
            return JsonResponse({"error": "Nobody is signed in."}, status=401)
        return redirect_to_login(request.get_full_path())
    if not (request.user.is_active and request.user.is_staff):
        if as_json:
            return JsonResponse({"error": "This is for staff."}, status=403)
        raise PermissionDenied
    report = Report()
    search = request.GET.get("q", "").strip()
    keys = report.exempt_users(search).values_list("pk", flat=True)
    page = Paginator(keys, PAGE_SIZE).get_page(request.GET.get("page"))
    accounts = list(report.read_accounts(report.exempt_users().filter(pk__in=list(page))))
    if as_json:
        paging = {"matches": page.paginator.count, "page": page.number, "pages": page.paginator.num_pages}
        listed = {"search": search, **paging, "accounts": [asdict(account) for account in accounts]}
        return JsonResponse({**report.as_dict(), **listed})
    context = {
        "viewer": request.user.get_username(),
        "may_view_users": request.user.has_perm("auth.view_user") or request.user.has_perm("auth.change_user"),
        "is_on": is_protection_on(),
        "report": report,
        "search": search,
        "page": page,
        "accounts": accounts,
    }
    response = render(request, "single_login/exemptions.html", context)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
