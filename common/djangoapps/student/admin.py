"""The Django admin of profiles and users, with the single login state of each user."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.db import transaction

from common.djangoapps.student.locks import lock_accounts
from common.djangoapps.student.models import UserProfile
from openedx.core.djangoapps.single_login.exemptions import is_protection_on, matching_rules


@admin.register(UserProfile)
class UserProfileAdmin(admin.ModelAdmin):
    """Profiles without ``meta``, which holds the key of the session on record. A session key is a credential."""

    list_display = ["user", "name"]
    search_fields = ["user__username", "name"]
    raw_id_fields = ["user"]
    exclude = ["meta"]

    def save_model(self, request, obj, form, change):
        """Save only the changed fields. A login may have changed ``meta`` since the profile was read."""
        lock_accounts(obj.user_id)
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            super().save_model(request, obj, form, change)


class SingleLoginUserAdmin(UserAdmin):
    """Django's own pages of users. They also tell whether a user is exempt, and by which rules."""

    list_display = [*UserAdmin.list_display, "single_login"]
    readonly_fields = [*UserAdmin.readonly_fields, "single_login"]
    fieldsets = [*UserAdmin.fieldsets, ("Single login", {"fields": ["single_login"]})]

    def get_queryset(self, request):
        """Read the groups of all listed users in one query."""
        return super().get_queryset(request).prefetch_related("groups")

    @transaction.atomic
    def log_deletions(self, request, queryset):
        """Lock the users first. The log locks the row of the user who deletes them, and that may be one of them."""
        lock_accounts(*(user.pk for user in queryset))
        return super().log_deletions(request, queryset)

    @transaction.atomic
    def delete_queryset(self, request, queryset):
        """Lock the users first, so that no login adds a row that refers to them during the deletion."""
        lock_accounts(*(user.pk for user in queryset))
        super().delete_queryset(request, queryset)

    @admin.display(description="single login")
    def single_login(self, user):
        """Return "off", "one session", or "exempt" with the rules that exempt ``user``."""
        if not is_protection_on():
            return "off"
        rules = matching_rules(user.get_username(), [group.name for group in user.groups.all()] if user.pk else [])
        return f"exempt ({', '.join(map(str, rules))})" if rules else "one session"


admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), SingleLoginUserAdmin)
