"""A large site, on MariaDB: accounts, members of a group and configured names do not make a login cost more."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, override_settings

from common.djangoapps.student.models import UserProfile
from openedx.core.djangoapps.single_login.tests.statements import Statements

USERNAME, GROUP, PASSWORD = "grower", "growers", "edx"
ACCOUNTS, MANY = 2_000, 100_000
SETTINGS = {
    "not exempt": {"SINGLE_LOGIN_EXEMPT_USERNAMES": ["another"], "SINGLE_LOGIN_EXEMPT_GROUPS": ["another"]},
    "exempt by username": {"SINGLE_LOGIN_EXEMPT_USERNAMES": [USERNAME]},
    "exempt by group": {"SINGLE_LOGIN_EXEMPT_GROUPS": [GROUP]},
}
OURS = re.compile(r"`auth_(userprofile|user_groups)`")
UNIQUE = "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = %s AND non_unique = 0"


@pytest.fixture(scope="module")
def _large_site(mariadb, django_db_blocker):
    """MariaDB has many accounts, all of them in one group."""
    with django_db_blocker.unblock():
        fill()
        yield
        User.objects.filter(username__startswith=USERNAME).delete()


def fill():
    names = [USERNAME, *(f"{USERNAME}-{number}" for number in range(ACCOUNTS))]
    User.objects.bulk_create(User(username=name, email=f"{name}@example.com", password="!") for name in names)
    users = User.objects.filter(username__startswith=USERNAME)
    UserProfile.objects.bulk_create(UserProfile(user=user, name=user.username) for user in users)
    groups = [Group.objects.get_or_create(name=name)[0] for name in (GROUP, *names[1:500])]
    groups[0].user_set.set(users)
    grower = User.objects.get(username=USERNAME)
    grower.set_password(PASSWORD)
    grower.save()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE auth_user, auth_userprofile, auth_group, auth_user_groups")
        cursor.fetchall()


def visit():
    """Sign in twice (the second login evicts), open the dashboard and sign out. Return the statements."""
    with Statements() as statements:
        for client in (Client(), Client()):
            data = {"email": f"{USERNAME}@example.com", "password": PASSWORD}
            assert client.post("/login_ajax", data).status_code == 200
        assert client.get("/dashboard").status_code == 200
        client.post("/logout")
    return [(sql, params) for sql, params in statements.sent if OURS.search(sql)]


@pytest.mark.usefixtures("_large_site")
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_query_finds_its_row_by_a_unique_index(settings):
    with override_settings(**settings):
        statements = [(sql, params) for sql, params in visit() if not sql.startswith("INSERT")]
    assert statements
    with connection.cursor() as cursor:
        cursor.execute(UNIQUE, [connection.settings_dict["NAME"]])
        unique = set(cursor.fetchall())
        for sql, params in statements:
            cursor.execute(f"EXPLAIN {sql}", params)
            names = [column[0] for column in cursor.description]
            for step in (dict(zip(names, row, strict=True)) for row in cursor.fetchall()):
                # A table in a subquery has another name there.
                renamed = re.search(rf"`(\w+)` {step['table']}\b", sql)
                table = renamed[1] if renamed else step["table"]
                assert (table, step["key"]) in unique, (sql, step)
                assert int(step["rows"]) == 1, (sql, step)


@pytest.mark.usefixtures("_large_site")
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_very_many_configured_names_send_the_same_statements(settings):
    others = [f"other-{number}" for number in range(MANY)]
    with override_settings(**settings):
        few = [sql for sql, _ in visit()]
    with override_settings(**{name: [*others, *names] for name, names in settings.items()}):
        assert [sql for sql, _ in visit()] == few
