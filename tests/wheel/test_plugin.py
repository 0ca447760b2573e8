"""The wheel as a plugin: its files, how the platform finds it, and what it changes in a process."""

import json
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import ddt
from django.apps import apps
from django.test import SimpleTestCase

PACKAGE = "openedx_single_login"
HERE = Path(__file__).parent
# Of a request without a session.
COUNT_JWT_COOKIES = """
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from openedx_single_login.jwt_cookies import JwtCookieMiddleware, jwt_cookie_name

request = HttpRequest()
request.user, request.COOKIES = AnonymousUser(), {jwt_cookie_name(): "a token"}
JwtCookieMiddleware(lambda request: None).process_view(request)
print(len(request.COOKIES))
"""
SHOW_SETTINGS = """
import json
from django.conf import settings

print(json.dumps([settings.SESSION_ENGINE, settings.MIDDLEWARE]))
"""
START_WITHOUT_JWT = """
import sys

sys.modules.update({"jwt": None, "edx_rest_framework_extensions": None})
import django
from common import envs
from django.conf import settings
from openedx_single_login.settings import plugin_settings

envs.MIDDLEWARE = [name for name in envs.MIDDLEWARE if not name.startswith("edx_rest_framework")]
envs.INSTALLED_APPS = envs.installed_apps("lms.djangoapp")
envs.SINGLE_LOGIN_CHECK_EVERY_REQUEST = sys.argv[1] == "True"
plugin_settings(envs)
settings.configure(**{name: value for name, value in vars(envs).items() if name.isupper()})
django.setup()
from django.core.handlers.base import BaseHandler

BaseHandler().load_middleware()
"""
# The stand-in's receiver is connected again, as it was before the app started.
REPLACE_RECEIVER = """
from common.djangoapps.student.models import enforce_single_login as theirs
from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out
from openedx_single_login.enforcement import enforce_single_login as ours
from openedx_single_login.platform_receiver import is_enforcing

for signal in (user_logged_in, user_logged_out):
    signal.disconnect(ours)
    signal.connect(theirs)
apps.get_app_config("student").has_exemption_guard = HAS_GUARD
apps.get_app_config("single_login").ready()
print(user_logged_in.disconnect(theirs), is_enforcing())
"""
READY_TWICE = """
from django.apps import apps
from django.contrib.auth.signals import user_logged_in
from openedx_single_login.enforcement import enforce_single_login
from openedx_single_login.platform_receiver import is_enforcing

apps.get_app_config("single_login").ready()
is_on = is_enforcing()
print(user_logged_in.disconnect(enforce_single_login), is_on)
"""
# worker is exempt by username, bert by group, anna not at all.
SIGN_IN_TWICE = """
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client, override_settings

call_command("migrate", run_syncdb=True, verbosity=0)
counts = []
with override_settings(SINGLE_LOGIN_EXEMPT_USERNAMES=["worker"], SINGLE_LOGIN_EXEMPT_GROUPS=["graders"]):
    for name in ("worker", "bert", "anna"):
        user = User.objects.create_user(name, f"{name}@example.com", "Password1234")
        if name == "bert":
            user.groups.add(Group.objects.create(name="graders"))
        clients = [Client(), Client()]
        for client in clients:
            client.post("/login_ajax", {"email": user.email, "password": "Password1234"})
        counts.append(f"{name} {sum(client.get('/dashboard').status_code == 200 for client in clients)}")
print(", ".join(counts))
"""
IN_TREE = HERE.parents[1] / "openedx/core/djangoapps/single_login"


class WheelTest(SimpleTestCase):
    """The files of the wheel."""

    def setUp(self):
        files = [Path(file) for file in distribution("openedx-single-login").files]
        self.files = [file for file in files if "__pycache__" not in file.parts]

    def test_it_holds_the_app_and_nothing_else(self):
        version = distribution("openedx-single-login").version
        assert {file.parts[0] for file in self.files} == {PACKAGE, f"{PACKAGE}-{version}.dist-info"}
        assert not [file for file in self.files if "tests" in file.parts]

    def test_it_holds_all_of_the_app(self):
        in_tree = {file.relative_to(IN_TREE) for file in IN_TREE.rglob("*") if file.is_file()}
        sources = {file for file in in_tree if not {"tests", "__pycache__", "README.rst"}.intersection(file.parts)}
        assert {file.relative_to(PACKAGE) for file in self.files if file.parts[0] == PACKAGE} == sources

    def test_it_carries_its_licence(self):
        assert [file for file in self.files if file.name == "LICENSE"]

    def test_it_has_no_models(self):
        assert not list(apps.get_app_config("single_login").get_models())

    def test_what_is_tested_is_the_wheel_and_not_the_app_in_the_tree(self):
        assert "site-packages" in sys.modules[f"{PACKAGE}.apps"].__file__
        assert not [name for name in sys.modules if name.partition(".")[0] == "openedx"]


@ddt.ddt
class ProcessTest(SimpleTestCase):
    """The start of a process of the platform."""

    def run_django(self, settings, *command, **yaml):
        """Run a Django command in a new process. ``yaml`` is its lms.yml."""
        with TemporaryDirectory() as directory:
            config = Path(directory) / "lms.yml"
            config.write_text(json.dumps(yaml), encoding="utf-8")
            environment = {"DJANGO_SETTINGS_MODULE": settings, "LMS_CFG": str(config)}
            return subprocess.run(
                [sys.executable, "-m", "django", *command],
                cwd=HERE / "standin",
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=False,
            )

    @ddt.data("lms.envs.test", "cms.envs.test", "lms.envs.production", "lms.envs.every_request")
    def test_it_finds_nothing_wrong_with_a_known_platform(self, settings):
        process = self.run_django(settings, "check", "--fail-level", "WARNING")
        assert process.returncode == 0, process.stderr

    @ddt.data("lms.envs.unknown", "lms.envs.late")
    def test_it_starts_on_an_unknown_platform_and_the_check_says_that_nobody_is_exempt(self, settings):
        assert self.run_django(settings, "diffsettings").returncode == 0
        process = self.run_django(settings, "check")
        assert process.returncode != 0
        assert "single_login.E101" in process.stderr
        assert "nobody is exempt" in process.stderr

    @ddt.data(("lms.envs.unknown", "1"), ("lms.envs.test", "0"))
    @ddt.unpack
    def test_jwt_cookies_count_as_before_on_an_unknown_platform(self, settings, left):
        process = self.run_django(settings, "shell", "--command", COUNT_JWT_COOKIES)
        assert process.stdout.splitlines()[-1:] == [left], process.stderr

    def test_a_later_settings_file_that_overrides_the_session_engine_is_a_warning(self):
        process = self.run_django("lms.envs.overruled", "check")
        assert process.returncode == 0
        for number in ("W007", "W008"):
            assert f"single_login.{number}" in process.stderr
        process = self.run_django("lms.envs.overruled", "check", FEATURES={})
        assert "single_login" not in process.stderr

    def test_a_faulty_setting_stops_it_with_one_message_for_all_faults(self):
        process = self.run_django(
            "lms.envs.production",
            "check",
            SINGLE_LOGIN_EXEMPT_USERNAMES="xqwatcher",
            SINGLE_LOGIN_EXEMPT_GROUPS=["xqueue", 12345],
        )
        assert process.returncode != 0
        assert process.stderr.endswith(
            "django.core.exceptions.ImproperlyConfigured: "
            "SINGLE_LOGIN_EXEMPT_USERNAMES must be a list of usernames, but it is 'xqwatcher'. "
            'Write it as a list, even for one name: SINGLE_LOGIN_EXEMPT_USERNAMES: ["xqwatcher"] (single_login.E001)\n'
            "SINGLE_LOGIN_EXEMPT_GROUPS: entry 2 must be a name in quotes, but it is 12345. "
            "Write one name, in quotes and exactly as the account or group has it, or remove the entry. "
            "Without quotes, YAML reads a number, a date, yes, no or null as something other than text. "
            "(single_login.E002)\n"
        )

    def test_case_16_with_nothing_set_the_settings_are_the_sites_own(self):
        assert self.show_settings("lms.envs.production") == [
            "django.contrib.sessions.backends.cache",
            [
                "edx_django_utils.cache.middleware.RequestCacheMiddleware",
                "edx_rest_framework_extensions.auth.jwt.middleware.JwtAuthCookieMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
            ],
        ]

    def test_the_check_at_every_request_installs_the_engine_and_the_middleware(self):
        engine, middleware = self.show_settings("lms.envs.production_every_request")
        assert engine == f"{PACKAGE}.session_engine"
        assert [name for name in middleware if name.startswith(PACKAGE)] == [
            f"{PACKAGE}.jwt_cookies.JwtCookieMiddleware",
            f"{PACKAGE}.middleware.SessionCheckMiddleware",
        ]

    def show_settings(self, settings):
        """Return SESSION_ENGINE and MIDDLEWARE of a process with these settings."""
        process = self.run_django(settings, "shell", "--command", SHOW_SETTINGS)
        return json.loads(process.stdout.splitlines()[-1])

    @ddt.data(False, True)
    def test_it_starts_without_the_libraries_for_jwt_cookies(self, is_checking):
        process = subprocess.run(
            [sys.executable, "-c", START_WITHOUT_JWT, str(is_checking)],
            cwd=HERE / "standin",
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr

    @ddt.data("True", "False")
    def test_it_leaves_a_receiver_alone_that_checks_the_exemptions_itself(self, has_guard):
        command = REPLACE_RECEIVER.replace("HAS_GUARD", has_guard)
        process = self.run_django("lms.envs.test", "shell", "--command", command)
        assert process.stdout.splitlines()[-1:] == [f"{has_guard} True"], process.stderr

    def run_ready_twice(self):
        """Run ``ready`` again. Return whether our receiver is connected, and whether the app says that it enforces."""
        process = self.run_django("lms.envs.test", "shell", "--command", READY_TWICE)
        return process.stdout.splitlines()[-1].split()

    def test_ready_twice_leaves_the_receiver_connected(self):
        assert self.run_ready_twice()[0] == "True"

    def test_ready_twice_goes_on_enforcing(self):
        assert self.run_ready_twice()[1] == "True"

    @ddt.data("yes", "no")
    def test_the_settings_of_a_platform_with_its_own_exemption_keep_their_meaning(self, with_wheel):
        os.environ["NEWER_WITH_WHEEL"] = with_wheel
        self.addCleanup(os.environ.pop, "NEWER_WITH_WHEEL")
        process = self.run_django("lms.envs.newer", "shell", "--command", SIGN_IN_TWICE)
        assert process.stdout.splitlines()[-1:] == ["worker 2, bert 2, anna 1"], process.stderr

    def test_it_needs_no_migrations(self):
        process = self.run_django("lms.envs.production", "showmigrations", "single_login")
        assert "(no migrations)" in process.stdout
