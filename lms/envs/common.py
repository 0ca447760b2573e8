"""
Settings that every environment of the LMS starts from.

They run on SQLite with nothing else installed. A production site names its own servers in lms.yml.
"""

from pathlib import Path

from edx_django_utils.plugins import get_plugin_apps

REPO_ROOT = Path(__file__).resolve().parents[2]
DATA_DIR = REPO_ROOT / "var"

FEATURES = {
    # .. toggle_name: FEATURES['PREVENT_CONCURRENT_LOGINS']
    # .. toggle_implementation: DjangoSetting
    # .. toggle_default: True
    # .. toggle_description: Keep one session per account: each login ends the account's earlier session, except for the
    #   accounts that SINGLE_LOGIN_EXEMPT_USERNAMES and SINGLE_LOGIN_EXEMPT_GROUPS name.
    # .. toggle_use_cases: open_edx
    # .. toggle_creation_date: 2026-11-23
    "PREVENT_CONCURRENT_LOGINS": True,
    # .. toggle_name: FEATURES['SQUELCH_PII_IN_LOGS']
    # .. toggle_implementation: DjangoSetting
    # .. toggle_default: True
    # .. toggle_description: Name accounts in the logs by their numbers, not by their usernames and e-mail addresses.
    # .. toggle_use_cases: open_edx
    # .. toggle_creation_date: 2026-11-23
    "SQUELCH_PII_IN_LOGS": True,
}

# Annotated in openedx/core/djangoapps/single_login/exemptions.py.
SINGLE_LOGIN_EXEMPT_USERNAMES = []
SINGLE_LOGIN_EXEMPT_GROUPS = []
SINGLE_LOGIN_CHECK_EVERY_REQUEST = False

# .. setting_name: LOGISTRATION_RATELIMIT_RATE
# .. setting_default: 100/5m
# .. setting_description: How many failed attempts one IP address may make at the login endpoints, /xqueue/login/ among
#   them, before further ones are rejected unchecked. Of an IPv6 address the first 64 bits count.
LOGISTRATION_RATELIMIT_RATE = "100/5m"

# .. setting_name: LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
# .. setting_default: 30/5m
# .. setting_description: How many failed attempts one IP address may make on one account before further ones are
#   rejected unchecked; from all addresses together, ten times as many. An e-mail address or username without an
#   account counts the same way.
LOGISTRATION_PER_EMAIL_RATELIMIT_RATE = "30/5m"

# .. setting_name: AUTH_PASSWORD_VALIDATORS
# .. setting_default: [{"NAME": "...MaximumLengthValidator", "OPTIONS": {"max_length": 75}}]
# .. setting_description: What a password may be when it is set. The max_length of MaximumLengthValidator holds at the
#   login endpoints, too: a longer password is refused before any work is done on it.
# .. setting_warning: An account whose password is longer, because it was set by other means than a form, cannot sign
#   in: raise max_length for it.
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "openedx.core.djangoapps.user_authn.password_policy_validators.MaximumLengthValidator",
        "OPTIONS": {"max_length": 75},
    }
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "edx_django_utils.user",
    "rest_framework",
    "submissions",
    "common.djangoapps.student",
    "openedx.core.djangoapps.heartbeat",
    "openedx.core.djangoapps.single_login",
    "openedx.core.djangoapps.user_authn",
    *get_plugin_apps("lms.djangoapp"),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    "common.djangoapps.student.eviction_notice.EvictionNoticeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "lms.middleware.SmallBodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "lms.urls"
WSGI_APPLICATION = "lms.wsgi.application"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/dashboard"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [REPO_ROOT / "lms" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "common.djangoapps.student.eviction_notice.eviction_notice",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "db.sqlite3",
        # Writers queue up at BEGIN instead of failing in the middle of a transaction.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": "PRAGMA journal_mode=WAL"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# Shared by all processes without a server of its own. It never evicts: sessions may be kept in it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
    # What an evicted person is told, kept out of the database: a login must not cost an extra statement.
    "single_login": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "evictions",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
# E003: with the database cache, two attempts to sign in at the same instant may count as one. W001: Django's own Redis
# cache counts atomically, though django-ratelimit does not list it.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "base-uri": ["'none'"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "img-src": ["'self'", "data:"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
    }
}

REST_FRAMEWORK = {"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
STATICFILES_DIRS = [REPO_ROOT / "lms" / "static"]
MEDIA_ROOT = DATA_DIR / "uploads"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# The library's own default is New Relic, which is not installed here. lms.yml names what a site has.
OPENEDX_TELEMETRY = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"standard": {"format": "%(asctime)s %(levelname)s %(process)d [%(name)s] %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "standard"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # What was refused is in the access log.
        "django.request": {"level": "ERROR"},
        # Five lines for each submission graded.
        "submissions": {"level": "WARNING"},
    },
}
