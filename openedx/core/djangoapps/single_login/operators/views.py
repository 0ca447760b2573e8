"""The report as a page, for staff."""

import os
from dataclasses import asdict

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .in_force import describe_force, is_anything_set
from .report import STARTED, Report

PAGE_SIZE = 50
# As strict as the page allows, in place of the platform's own policy. Only the filter is a form; the rest are links.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@never_cache
@require_safe
def exemptions(request: HttpRequest) -> HttpResponse:
    """
    Show staff who is exempt, why, and what needs attention: as a page, or as JSON with ``?format=json``.

    If JSON is asked for, a refusal is JSON too, with 401 or 403. Any other format is answered with 400.
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
    page = Paginator(report.exempt_ids(search), PAGE_SIZE).get_page(request.GET.get("page"))
    accounts = list(report.read_accounts(list(page)))
    shown = {**report.as_dict(), "process": {"pid": os.getpid(), "started": STARTED}}
    if as_json:
        paging = {"matches": page.paginator.count, "page": page.number, "pages": page.paginator.num_pages}
        listed = {"search": search, **paging, "accounts": [asdict(account) for account in accounts]}
        return JsonResponse({**shown, **listed})
    context = {
        **shown,
        "force": describe_force(),
        "needs_attention": is_anything_set() and not shown["in_force"],
        "viewer": request.user.get_username(),
        "home": resolve_url(settings.LOGIN_REDIRECT_URL or "/"),
        "may_view_users": request.user.has_perm("auth.view_user") or request.user.has_perm("auth.change_user"),
        "search": search,
        "page": page,
        "accounts": accounts,
    }
    response = render(request, "single_login/exemptions.html", context)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
