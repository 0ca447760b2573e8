"""The report on MariaDB. Its collation treats names as equal that differ in case or in a space at the end."""

import contextlib
import io
import uuid
from unittest.mock import patch

import pytest
import yaml
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory
from openedx.core.djangoapps.single_login.exemptions import GROUPS, USERNAMES, Rule
from openedx.core.djangoapps.single_login.operators.report import Report
from openedx.core.djangoapps.single_login.tests.manage_process import run_manage
from openedx.core.djangoapps.single_login.tests.statements import Statements
from testing.production_lms import connect, mysql_address

NAME = "xqwatcher"
SIMILAR = ["XQWATCHER", "XqWatcher", "xqwatcher ", "xqwatchér"]


@pytest.fixture(autouse=True)
def _nobody(mariadb):
    """Delete all accounts and groups after the test."""
    yield
    Group.objects.all().delete()
    User.objects.all().delete()


def exempt_accounts():
    """Return the names of the exempt accounts."""
    report = Report()
    return [account.username for account in report.read_accounts(report.exempt_ids())]


def ids(findings):
    return [finding.id.partition(".")[2] for finding in findings]


@pytest.mark.parametrize("similar", SIMILAR)
def test_a_username_that_is_only_similar_is_not_exempt(similar):
    UserFactory(username=similar)
    assert User.objects.filter(username=NAME).exists(), "this collation compares exactly"
    with override_settings(**{USERNAMES: [NAME]}):
        assert exempt_accounts() == []
        assert ids(Report().findings) == ["W011"]
        assert Report().find_matches(NAME) == []
    with override_settings(**{USERNAMES: [NAME, similar]}):
        assert exempt_accounts() == [similar]


@pytest.mark.parametrize("similar", SIMILAR)
def test_a_group_name_that_is_only_similar_exempts_nobody(similar):
    UserFactory(username="honor", groups=[similar])
    assert Group.objects.filter(name=NAME).exists(), "this collation compares exactly"
    with override_settings(**{GROUPS: [NAME]}):
        assert exempt_accounts() == []
        assert ids(Report().findings) == ["W012"]
    with override_settings(**{GROUPS: [NAME, similar]}):
        assert exempt_accounts() == ["honor"]
        (match,) = Report().find_matches("honor")
        assert match.account.rules == (Rule(GROUPS, similar),)


def test_very_many_names_are_looked_up_in_chunks():
    names = [f"{NAME}-{number}" for number in range(5_000)]
    User.objects.bulk_create((User(username=name) for name in names[:-500]), batch_size=5_000)
    with override_settings(**{USERNAMES: names}):
        with Statements() as statements:
            report = Report()
            assert len(report.exempt_ids()) == 4_500
            findings = report.findings
        # One query for each chunk of names, then the suggestions for the first names that match nothing.
        assert len(statements.sent) == 5 + 20
        assert ids(findings) == ["W011"] * 21
        assert findings[-1].count == 480
        assert "Did you mean" in findings[0].hint
        assert [account.username for account in report.read_accounts(report.exempt_ids()[-2:])] == sorted(names[:-500])[
            -2:
        ]


@pytest.fixture(params=[("utf8mb3", "x\U0001f600"), ("latin1", "проверка")], ids=["utf8mb3", "latin1"])
def not_storable(request, mariadb):
    """Give the columns of names the character set of an old table. Return a name that they cannot hold."""
    charset, name = request.param
    columns = {"auth_user": ("username", "email"), "auth_group": ("name",)}

    def convert(to):
        with connection.cursor() as cursor:
            for table, names in columns.items():
                for column in names:
                    cursor.execute(f"ALTER TABLE {table} MODIFY {column} varchar(150) CHARACTER SET {to} NOT NULL")

    convert(charset)
    yield name
    convert("utf8mb4")


def test_a_name_that_the_column_cannot_hold_matches_nothing_and_is_named(not_storable):
    UserFactory(username=NAME, groups=["xqueue"])
    UserFactory(username="Zoë", groups=["Größe"])
    with override_settings(**{USERNAMES: [NAME, not_storable, "Zoë", "nobody"], GROUPS: [not_storable, "Größe"]}):
        assert exempt_accounts() == ["Zoë", NAME]
        by_name = {(finding.id[-4:], finding.name): finding.message for finding in Report().findings}
    assert by_name.keys() == {("W011", not_storable), ("W011", "nobody"), ("W012", not_storable)}
    assert by_name["W011", not_storable] == (
        f"{USERNAMES}: {not_storable!r} matches no account: the column 'username' of the database cannot hold its "
        "characters."
    )
    assert "the column 'name' of the database cannot hold" in by_name["W012", not_storable]


def test_a_name_that_the_column_cannot_hold_breaks_no_report(not_storable):
    client = Client()
    client.force_login(UserFactory(username="staff", is_staff=True))
    with override_settings(**{USERNAMES: [not_storable, "staff"]}):
        printed = io.StringIO()
        call_command("single_login_exemptions", stdout=printed)
        assert "Exempt accounts: 1" in printed.getvalue()
        assert client.get("/single_login/exemptions/", {"q": not_storable}).status_code == 200
        answer = client.get("/single_login/exemptions/", {"format": "json"}).json()
        assert (answer["exempt_accounts"], answer["accounts"][0]["username"]) == (1, "staff")
        messages = run_checks(tags=["single_login"], databases=["default"])
        assert [message.id[-4:] for message in messages] == ["W011", "W014"]


def test_a_user_that_the_column_cannot_hold_is_unknown(not_storable):
    with pytest.raises(CommandError, match="No account has the username, e-mail address or number") as refused:
        call_command("single_login_exemptions", "--user", not_storable, stdout=io.StringIO())
    assert refused.value.returncode == 1


@pytest.mark.parametrize("is_atomic", [True, False])
@pytest.mark.parametrize(
    ("url", "field", "status"),
    [
        ("/login_ajax", "email", 400),
        ("/api/user/v1/account/login_session/", "email", 400),
        ("/api/user/v2/account/login_session/", "email_or_username", 400),
        ("/login", "email_or_username", 400),
        ("/xqueue/login/", "username", 401),
    ],
)
def test_a_login_with_a_name_that_the_column_cannot_hold_is_refused(not_storable, url, field, status, is_atomic):
    UserFactory(username=NAME)
    with patch.dict(connection.settings_dict, ATOMIC_REQUESTS=is_atomic):
        response = Client().post(url, {field: not_storable, "password": TEST_PASSWORD})
        unknown = Client().post(url, {field: "unknown", "password": TEST_PASSWORD})
    assert (response.status_code, unknown.status_code) == (status, status)
    if response.headers["Content-Type"] == "application/json":
        assert {**response.json(), "email": None} == {**unknown.json(), "email": None}


@contextlib.contextmanager
def account_of_the_database(*tables):
    """Create an account that may read only ``tables``. Yield its address, and drop it at the end."""
    name, password = f"single_login_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    database = connection.settings_dict["NAME"]
    with contextlib.closing(connect()) as root, root.cursor() as cursor:
        cursor.execute(f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'")
        cursor.execute(f"CREATE USER {name}@localhost IDENTIFIED BY '{password}'")
        for host in ("'%'", "localhost"):
            for table in tables:
                cursor.execute(f"GRANT SELECT ON {database}.{table} TO {name}@{host}")
        try:
            yield {**mysql_address(), "USER": name, "PASSWORD": password, "NAME": database}
        finally:
            cursor.execute(f"DROP USER {name}@'%', {name}@localhost")


def manage(folder, database, *arguments):
    """Run a management command with ``database`` in a new process."""
    lms_cfg = folder / "lms.yml"
    databases = {"default": {"ENGINE": "django.db.backends.mysql", **database}}
    lms_cfg.write_text(yaml.safe_dump({"SECRET_KEY": "of this test", "DATABASES": databases, GROUPS: ["xqueue"]}))
    return run_manage("lms", *arguments, LMS_CFG=str(lms_cfg))


def test_tables_that_the_database_account_may_not_read_are_a_warning(tmp_path):
    with account_of_the_database("django_migrations", "auth_user") as database:
        checked = manage(tmp_path, database, "check", "--database", "default")
        reported = manage(tmp_path, database, "single_login_exemptions", "--check")
    assert checked.returncode == 0
    assert "(single_login.W010)" in checked.stderr
    assert "SELECT command denied to user" in checked.stderr
    (line,) = reported.stderr.splitlines()
    assert reported.returncode == 2
    assert line.startswith("CommandError: The database could not be read: (1142,")


@pytest.mark.parametrize(
    ("wrong", "number"),
    [({"PASSWORD": "wrong"}, 1045), ({"NAME": "nowhere"}, 1044), ({"HOST": "127.0.0.1", "PORT": 9}, 2002)],
)
def test_a_database_that_refuses_the_connection_is_reported_in_one_line(tmp_path, wrong, number):
    with account_of_the_database("auth_user") as database:
        reported = manage(tmp_path, {**database, **wrong}, "single_login_exemptions")
    (line,) = reported.stderr.splitlines()
    assert reported.returncode == 2
    assert line.startswith(f"CommandError: The database could not be read: ({number},")
    assert database["PASSWORD"] not in line
