"""Settings that the stand-in's LMS and Studio share."""

from edx_django_utils.plugins import get_plugin_apps


def installed_apps(project, *others):
    """Return the apps of ``project``, plugins included, which do not come last; ``others`` do."""
    return [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        *get_plugin_apps(project),
        "common.djangoapps.student",
        *others,
    ]


SECRET_KEY = "test only"
ALLOWED_HOSTS = ["*"]
FEATURES = {"PREVENT_CONCURRENT_LOGINS": True}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "common.djangoapps.student.views"
PROJECT = "lms.djangoapp"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LOGIN_URL = "/login"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
