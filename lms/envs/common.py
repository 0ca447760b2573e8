"""
The default settings of the LMS.

They need only SQLite. A production site sets its own database and caches in lms.yml.
"""

from pathlib import Path

from edx_django_utils.plugins import get_plugin_apps

REPO_ROOT = Path(__file__).resolve().parents[2]
DATA_DIR = REPO_ROOT / "var"

FEATURES = {
    # .. toggle_name: FEATURES['PREVENT_CONCURRENT_LOGINS']
    # .. toggle_implementation: DjangoSetting
    # .. toggle_default: True
    # .. toggle_description: Keep one session per account: each login evicts the account's earlier session, except for
    #   the accounts that SINGLE_LOGIN_EXEMPT_USERNAMES and SINGLE_LOGIN_EXEMPT_GROUPS name.
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
# .. setting_description: The number of failed logins after which an IP address is refused without a check, at all login
#   endpoints together, including /xqueue/login/. Of an IPv6 address, the first 64 bits count.
LOGISTRATION_RATELIMIT_RATE = "100/5m"

# .. setting_name: LOGISTRATION_PER_EMAIL_RATELIMIT_RATE
# .. setting_default: 30/5m
# .. setting_description: The number of failed logins to one account after which an IP address is refused without a
#   check. After ten times as many from all addresses together, every address is refused. An e-mail address or username
#   without an account counts the same way.
LOGISTRATION_PER_EMAIL_RATELIMIT_RATE = "30/5m"

# .. setting_name: AUTH_PASSWORD_VALIDATORS
# .. setting_default: [{"NAME": "...MaximumLengthValidator", "OPTIONS": {"max_length": 75}}]
# .. setting_description: What a new password must be like. The login endpoints use the max_length of
#   MaximumLengthValidator, too: they refuse a longer password before any work is done on it.
# .. setting_warning: An account with a longer password cannot sign in. Only code that uses no form can set such a
#   password. Raise max_length for it.
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "openedx.core.djangoapps.user_authn.password_policy_validators.MaximumLengthValidator",
        "OPTIONS": {"max_length": 75},
    }
]

# .. setting_name: SUPPORT_SITE_LINK
# .. setting_default: None
# .. setting_description: The address of a page where people get help. The notice of a login elsewhere links to it,
#   because a new password may be needed at once.
SUPPORT_SITE_LINK = None

# .. setting_name: TECH_SUPPORT_EMAIL
# .. setting_default: None
# .. setting_description: The e-mail address of the people who can set a new password. The notice of a login elsewhere
#   gives it.
# .. setting_warning: With neither this setting nor SUPPORT_SITE_LINK, the notice cannot say whom to ask.
TECH_SUPPORT_EMAIL = None

# .. setting_name: PASSWORD_HASHERS
# .. setting_default: Django's own hashers, of which the first hashes a password in NFKC
# .. setting_description: The first one hashes new passwords, the others check older hashes. The login checks passwords
#   in NFKC, so they must be stored in NFKC.
# .. setting_warning: To use another hasher, write a class that inherits from NormalizedPassword, in
#   openedx/core/djangoapps/user_authn/hashers.py, and from that hasher. Without it, a password that somebody set in the
#   admin or with changepassword may not open the account, if it has characters beyond ASCII.
PASSWORD_HASHERS = [
    "openedx.core.djangoapps.user_authn.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]

# As long as a login lasts on the platform: four weeks.
SESSION_COOKIE_AGE = 4 * 7 * 24 * 60 * 60

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

# All processes share this cache, and it needs no server. It may hold sessions: MAX_ENTRIES
# is high, so that none is dropped.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
    # Eviction notices. In the database, a login would cost one more statement.
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

# The default of edx-django-utils is New Relic, which is not installed here. A site sets its own in lms.yml.
OPENEDX_TELEMETRY = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"standard": {"format": "%(asctime)s %(levelname)s %(process)d [%(name)s] %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "standard"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Refused requests are in the access log.
        "django.request": {"level": "ERROR"},
        # It logs five lines for each graded submission.
        "submissions": {"level": "WARNING"},
    },
}
