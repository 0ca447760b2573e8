"""docs/lms.yml and the SQL and commands of docs/production.rst, on an empty MariaDB and Redis."""

import contextlib
import re
import shlex
import textwrap
import uuid

import pytest
import requests
import yaml

from testing.production_lms import REPO_ROOT, ProductionLms, connect, mysql_address, own_prefix, redis_url

DOCS = REPO_ROOT / "docs"
TLS = {"X-Forwarded-Proto": "https", "Host": "lms.example.com", "Referer": "https://lms.example.com/"}
CREATE_HONOR = (
    "from django.contrib.auth.models import User; User.objects.create_user('honor', 'honor@example.com', 'edx')"
)


@contextlib.contextmanager
def documented_database():
    """Run the documented SQL with a new name for the database and its account. Yield the name. Drop both at the end."""
    name = f"single_login_{uuid.uuid4().hex[:12]}"
    block = re.search(r"code-block:: sql\n\n((?: +.*\n)+)", (DOCS / "production.rst").read_text())[1]
    with contextlib.closing(connect()) as connection, connection.cursor() as cursor:
        try:
            for statement in textwrap.dedent(block).splitlines():
                cursor.execute(with_own_names(statement, name))
            yield name
        finally:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"DROP USER IF EXISTS {name}@'%'")


def with_own_names(text, name):
    """Return ``text`` with ``name`` instead of the documented names of the database and its account."""
    return re.sub(r"edxapp(001)?", name, text)


@pytest.fixture(scope="module")
def documented(servers, tmp_path_factory):
    """The documented lms.yml and database account, on this machine's servers."""
    folder = tmp_path_factory.mktemp("documented")
    with documented_database() as database, own_prefix() as prefix:
        lms = ProductionLms(folder, database, prefix)
        config = yaml.safe_load(with_own_names((DOCS / "lms.yml").read_text(), database))
        address = mysql_address()
        config["DATABASES"]["default"].update(HOST=address["HOST"], PORT=address["PORT"])
        config["CACHES"]["default"].update(LOCATION=redis_url(), KEY_PREFIX=prefix)
        config["ALLOWED_HOSTS"].append("127.0.0.1")
        config["STATIC_ROOT"] = str(folder / "staticfiles")
        config["SECRET_KEY"] = "long-and-random-enough-for-the-check-of-this-test-0123456789"
        lms.lms_cfg.write_text(yaml.safe_dump(config))
        yield lms


def documented_commands(heading):
    """Return the arguments of the ``./manage.py lms`` commands in the last block under ``heading``."""
    section = (DOCS / "production.rst").read_text().split(f"{heading}\n***")[1].split("\n***")[0]
    block = section.split(".. code-block:: shell")[-1]
    commands = (shlex.split(line) for line in re.findall(r"\./manage\.py lms (.*)", block))
    # It asks for the password at a terminal.
    return [command for command in commands if command[0] != "changepassword"]


def test_the_documented_way_to_production(documented):
    for heading in ("An empty database", "The first accounts", "Before each deploy"):
        commands = documented_commands(heading)
        assert commands
        for command in commands:
            documented.manage(*command)
    documented.manage("shell", "--no-imports", "-c", CREATE_HONOR)
    with documented.serve(workers=2) as url:
        services = requests.get(f"{url}/heartbeat", timeout=10).json()
        assert {name: service["status"] for name, service in services.items()} == {
            "sql": True,
            "cache": True,
            "sessions": True,
        }
        plain = requests.get(f"{url}/login", headers={"Host": "lms.example.com"}, timeout=10, allow_redirects=False)
        assert plain.headers["Location"] == "https://lms.example.com/login"
        form = requests.get(f"{url}/login", headers=TLS, timeout=10)
        assert "Strict-Transport-Security" in form.headers
        cookie = f"csrftoken={form.cookies['csrftoken']}"
        headers = {**TLS, "Cookie": cookie, "X-CSRFToken": form.cookies["csrftoken"]}
        data = {"email": "honor@example.com", "password": "edx"}
        login = requests.post(f"{url}/login_ajax", data=data, headers=headers, timeout=10)
        assert login.json() == {"success": True, "redirect_url": None}
        session = next(cookie for cookie in login.cookies if cookie.name == "sessionid")
        assert session.secure
        assert session.has_nonstandard_attr("HttpOnly")
        assert session.get_nonstandard_attr("SameSite") == "Lax"
        headers["Cookie"] = f"sessionid={session.value}"
        assert requests.get(f"{url}/dashboard", headers=headers, timeout=10).status_code == 200
        assert requests.get(f"{url}/static/lms/main.css", headers=TLS, timeout=10).status_code == 200


def test_heartbeat_names_a_database_that_does_not_answer(documented):
    account = documented.database
    with documented.serve(workers=1) as url, contextlib.closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"ALTER USER {account}@'%' ACCOUNT LOCK")
        cursor.execute(f"KILL USER {account}")
        answer = requests.get(f"{url}/heartbeat", timeout=10)
        cursor.execute(f"ALTER USER {account}@'%' ACCOUNT UNLOCK")
        assert answer.status_code == 503
        assert answer.json()["sql"] == {"status": False, "message": "Does not answer"}
        assert requests.get(f"{url}/heartbeat", timeout=10).status_code == 200
