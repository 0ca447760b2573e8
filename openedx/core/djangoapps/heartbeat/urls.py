"""The URL of the heartbeat."""

from django.urls import path

from openedx.core.djangoapps.heartbeat.views import heartbeat

urlpatterns = [path("heartbeat", heartbeat, name="heartbeat")]
