"""Profiles in the Django admin."""

from django.contrib import admin

from common.djangoapps.student.models import UserProfile


@admin.register(UserProfile)
class UserProfileAdmin(admin.ModelAdmin):
    """The profile, without ``meta``: it holds the key of a live session, which is a credential."""

    list_display = ["user", "name"]
    search_fields = ["user__username", "name"]
    raw_id_fields = ["user"]
    exclude = ["meta"]
