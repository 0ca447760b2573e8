"""The dashboard."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from openedx.core.djangoapps.single_login.exemptions import GROUPS, exempting_rule, is_protection_on


@never_cache
@login_required
def student_dashboard(request):
    """Show who is signed in, and whether the account is exempt and by which rule."""
    is_on = is_protection_on()
    rule = exempting_rule(request.user) if is_on else None
    context = {"is_protection_on": is_on, "rule": rule, "by_group": rule is not None and rule.setting == GROUPS}
    return render(request, "student/dashboard.html", context)
