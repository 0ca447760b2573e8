"""Settings of both the stand-in's LMS and Studio."""

import os

from edx_django_utils.plugins import get_plugin_apps

# No plugin is registered for the second project: the platform without the wheel.
PROJECT = "no.plugins" if os.environ.get("WITHOUT_WHEEL") else "lms.djangoapp"


def installed_apps(project, *others):
    """Return the apps of ``project`` with its plugins, and ``others`` at the end."""
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
SINGLE_LOGIN_CHECK_EVERY_REQUEST = False
# In the platform's order: its reader of JWT cookies is before the session middleware.
MIDDLEWARE = [
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    "edx_rest_framework_extensions.auth.jwt.middleware.JwtAuthCookieMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "common.djangoapps.student.views"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LOGIN_URL = "/login"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
JWT_AUTH = {
    "JWT_ALGORITHM": "HS256",
    "JWT_AUTH_COOKIE": "edx-jwt-cookie",
    "JWT_AUTH_HEADER_PREFIX": "JWT",
    "JWT_DECODE_HANDLER": "edx_rest_framework_extensions.auth.jwt.decoder.jwt_decode_handler",
    "JWT_ISSUERS": [{"ISSUER": "standin", "AUDIENCE": "standin", "SECRET_KEY": "a key as long as HS256 wants keys"}],
}
EDX_DRF_EXTENSIONS = {"JWT_PAYLOAD_USER_ATTRIBUTE_MAPPING": {}}
