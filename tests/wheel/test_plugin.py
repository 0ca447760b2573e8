"""The wheel as a plugin: its files, how the platform finds it, and what it changes in a process."""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import ddt
from django.apps import apps
from django.test import SimpleTestCase
from django.utils.html import escape
from journeys import take_journeys

PACKAGE = "openedx_single_login"
HERE = Path(__file__).parent
# Of a request without a session.
COUNT_JWT_COOKIES = """
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from openedx_single_login.one_session.jwt_cookies import JwtCookieMiddleware, jwt_cookie_name

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
from openedx_single_login.guard import HAS_GUARD, is_guard_in_place
from openedx_single_login.one_session.enforcement import enforce_single_login as ours

for signal in (user_logged_in, user_logged_out):
    signal.disconnect(ours)
    signal.connect(theirs)
if {has_guard}:
    setattr(theirs, HAS_GUARD, True)
apps.get_app_config("single_login").ready()
is_ready = is_guard_in_place()
print(user_logged_in.disconnect(theirs), is_ready)
"""
# Prints the number of guards and of audit receivers.
READY_TWICE = """
from common.djangoapps.student.models import UserProfile
from django.apps import apps
from django.contrib.auth.signals import user_logged_in
from openedx_single_login.audit import audit_exempt_login

apps.get_app_config("single_login").ready()
method, guards = UserProfile.set_login_session, 0
while hasattr(method, "__wrapped__"):
    method, guards = method.__wrapped__, guards + 1
print(guards, [user_logged_in.disconnect(audit_exempt_login) for _ in range(2)].count(True))
"""
# worker is exempt by username, bert by group, anna not at all.
SIGN_IN_TWICE = """
import logging
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client, override_settings

call_command("migrate", run_syncdb=True, verbosity=0)
counts, lines = [], []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("audit").addHandler(handler)
logging.getLogger("audit").setLevel("INFO")
with override_settings(SINGLE_LOGIN_EXEMPT_USERNAMES=["worker"], SINGLE_LOGIN_EXEMPT_GROUPS=["graders"]):
    for name in ("worker", "bert", "anna"):
        user = User.objects.create_user(name, f"{name}@example.com", "Password1234")
        if name == "bert":
            user.groups.add(Group.objects.create(name="graders"))
        clients = [Client(), Client()]
        for client in clients:
            client.post("/login_ajax", {"email": user.email, "password": "Password1234"})
        counts.append(f"{name} {sum(client.get('/dashboard').status_code == 200 for client in clients)}")
audited = [line.split()[4] for line in lines if line.startswith("Single login exempt")]
print(", ".join(counts), audited)
"""
RECEIVER_OF_ONE_SIGNAL = json.dumps(
    {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}, "LAST_APP": "unlike.apps.OneSignalConfig"}
)
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
            flags = json.dumps({"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}})
            environment = {"DJANGO_SETTINGS_MODULE": settings, "LMS_CFG": str(config), "FLAGS": flags}
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

    @ddt.data(("lms.envs.unknown", "1"), ("lms.envs.every_request", "0"))
    @ddt.unpack
    def test_case_20_jwt_cookies_count_as_before_on_an_unknown_platform(self, settings, left):
        process = self.run_django(settings, "shell", "--command", COUNT_JWT_COOKIES)
        assert process.stdout.splitlines()[-1:] == [left], process.stderr

    def test_a_later_settings_file_that_overrides_the_session_engine_is_a_warning(self):
        process = self.run_django("lms.envs.overruled", "check")
        assert process.returncode == 0
        for number in ("W007", "W008"):
            assert f"single_login.{number}" in process.stderr
        process = self.run_django("lms.envs.overruled", "check", FEATURES={})
        assert process.stderr.count("single_login.W") == process.stderr.count("single_login.W006") == 1

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
        assert engine == f"{PACKAGE}.one_session.engine"
        assert [name for name in middleware if name.startswith(PACKAGE)] == [
            f"{PACKAGE}.one_session.jwt_cookies.JwtCookieMiddleware",
            f"{PACKAGE}.one_session.middleware.SessionCheckMiddleware",
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
    def test_the_check_leaves_a_receiver_alone_that_has_the_guard(self, has_guard):
        command = REPLACE_RECEIVER.replace("{has_guard}", has_guard)
        process = self.run_django("lms.envs.every_request", "shell", "--command", command)
        assert process.stdout.splitlines()[-1:] == [f"{has_guard} True"], process.stderr

    @ddt.data("lms.envs.test", "lms.envs.newer")
    def test_ready_twice_leaves_one_guard_and_one_audit_receiver(self, settings):
        process = self.run_django(settings, "shell", "--command", READY_TWICE)
        assert process.stdout.splitlines()[-1:] == ["1 1"], process.stderr

    @ddt.data(
        ("lms.envs.test", {}),
        ("lms.envs.late", {}),
        ("lms.envs.newer", {}),
        ("lms.envs.newer", {"WITHOUT_WHEEL": "yes"}),
        ("lms.envs.flags", {"FLAGS": RECEIVER_OF_ONE_SIGNAL}),
    )
    @ddt.unpack
    def test_known_platform_exempts_accounts_and_audits_each_login_once(self, settings, environment):
        with mock.patch.dict(os.environ, environment):
            process = self.run_django(settings, "shell", "--command", SIGN_IN_TWICE)
        audited = [] if environment.get("WITHOUT_WHEEL") else ["worker", "worker", "bert", "bert"]
        assert process.stdout.splitlines()[-1:] == [f"worker 2, bert 2, anna 1 {audited}"], process.stderr

    def test_it_needs_no_migrations(self):
        process = self.run_django("lms.envs.production", "showmigrations", "single_login")
        assert "(no migrations)" in process.stdout


# The settings module and the last app of platforms that the wheel does not know.
UNKNOWN = {
    "no_student_app": ("lms.envs.unknown", None),
    "no_method": ("lms.envs.flags", "unlike.apps.WithoutMethodConfig"),
    "no_receiver": ("lms.envs.flags", "unlike.apps.WithoutReceiverConfig"),
    "disconnected": ("lms.envs.flags", "unlike.apps.DisconnectedConfig"),
    "receiver_of_one_signal": ("lms.envs.flags", "unlike.apps.OneSignalConfig"),
}
W004 = dict.fromkeys(("no_student_app", "no_method", "no_receiver", "disconnected"), "W004")
EXPECTED_IDS = {**W004, "receiver_of_one_signal": "W005"}
# Those on which a receiver can be compared, with the wheel and without.
COMPARED = ("no_method", "disconnected", "receiver_of_one_signal")


@cache
def operate(platform, *exempt):
    """Run an operator's commands and load the page. Return what operate.py prints."""
    module, last_app = UNKNOWN[platform]
    flags = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}, "SINGLE_LOGIN_EXEMPT_USERNAMES": exempt}
    flags["LAST_APP"] = last_app
    process = subprocess.run(
        [sys.executable, "operate.py"],
        cwd=HERE / "standin",
        env={**os.environ, "DJANGO_SETTINGS_MODULE": module, "FLAGS": json.dumps(flags)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@cache
def journeys(*exempt):
    """Return the records of the platforms in COMPARED, with the wheel and without."""
    flags = {"FEATURES": {"PREVENT_CONCURRENT_LOGINS": True}, "SINGLE_LOGIN_EXEMPT_USERNAMES": exempt}
    return take_journeys({name: ("lms.envs.flags", {**flags, "LAST_APP": UNKNOWN[name][1]}) for name in COMPARED})


@ddt.ddt
class UnknownPlatformTest(SimpleTestCase):
    """The platform's method or receiver is not found."""

    maxDiff = None

    @ddt.data(*COMPARED)
    def test_case_20_with_nothing_set_nothing_changes(self, platform):
        with_wheel, without_wheel = journeys()[platform]
        for part in ("settings", "commands", "visits"):
            self.assertEqual(with_wheel[part], without_wheel[part])

    @ddt.data(*UNKNOWN)
    def test_case_20_with_nothing_set_the_system_checks_say_nothing(self, platform):
        commands = operate(platform)
        for name in ("check", "check at level warning", "migrate"):
            code, written = commands[name]
            assert code == 0
            assert "single_login" not in written

    @ddt.data(*UNKNOWN)
    def test_case_20_check_warns_and_migrate_goes_on(self, platform):
        commands = operate(platform, "worker")
        assert commands["check"][0] == commands["migrate"][0] == 0
        assert f"single_login.{EXPECTED_IDS[platform]}" in commands["check"][1]

    @ddt.data(*UNKNOWN)
    def test_case_20_check_and_command_fail_a_pipeline(self, platform):
        commands = operate(platform, "worker")
        for name in ("check at level warning", "exemptions --check"):
            code, written = commands[name]
            assert code == 1
            assert f"single_login.{EXPECTED_IDS[platform]}" in written

    @ddt.data(*UNKNOWN)
    def test_case_20_the_json_says_that_the_exemptions_are_not_in_force(self, platform):
        commands = operate(platform, "worker")
        for name in ("exemptions as JSON", "exemptions --user"):
            code, written = commands[name]
            answer = json.loads(written)
            assert code == 0
            assert answer["in_force"] is False
            assert answer["not_in_force_because"]

    @ddt.data(*UNKNOWN)
    def test_case_20_the_page_says_that_the_exemptions_are_not_in_force(self, platform):
        commands = operate(platform, "worker")
        (reason,) = json.loads(commands["exemptions as JSON"][1])["not_in_force_because"]
        status, page = commands["page"]
        assert status == 200
        assert f'<p class="lead warning">{escape(reason)}</p>' in page

    @ddt.data(*UNKNOWN)
    def test_case_20_nobody_is_called_exempt(self, platform):
        _, written = operate(platform, "worker")["exemptions --user"]
        assert " is exempt" not in json.loads(written)["explanation"]

    @ddt.data("no_method", "disconnected")
    def test_case_20_with_an_account_exempt_nothing_changes(self, platform):
        with_wheel, without_wheel = journeys("worker")[platform]
        self.assertEqual(with_wheel["visits"], without_wheel["visits"])
