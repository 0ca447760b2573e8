"""The URLs of the stand-in's Studio, those of its plugins included."""

from edx_django_utils.plugins import get_plugin_url_patterns

from common.djangoapps.student import views

urlpatterns = [*views.urlpatterns, *get_plugin_url_patterns("cms.djangoapp")]
