"""Random requests to the login endpoints: no 5xx answer, and at most one hash and three normalisations."""

import json
from io import BytesIO
from urllib.parse import urlencode

from django.core.cache import cache
from django.test import Client, override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.djangoapps.student.tests.factories import UserFactory
from openedx.core.djangoapps.user_authn.views.tests.counted_work import counted_work, counting_hasher
from openedx.core.djangoapps.user_authn.views.tests.endpoints import ENDPOINTS

PATHS = sorted({path for path, *_ in ENDPOINTS.values()} | {"/admin/login/", "/logout", "/xqueue/logout/"})
FORM, JSON, MULTIPART = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"
NAMES = st.sampled_from(["email", "email_or_username", "username", "password", "next", "csrfmiddlewaretoken"])
# Known accounts, texts that take long to normalise or that grow when they are normalised, and any other text.
TEXTS = st.one_of(
    st.sampled_from(["honor", "honor@example.com", "gone", "gone@example.com"]),
    st.builds(
        lambda unit, times: unit * times, st.sampled_from(["x", "\u0316\u0300", "ﷺ", "\0"]), st.integers(0, 2500)
    ),
    st.text(st.characters(), max_size=400),
)
FIELDS = st.dictionaries(NAMES, TEXTS)
ANYTHING_IN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda values: st.lists(values) | st.dictionaries(NAMES | st.text(), values),
    max_leaves=10,
)
FORMS = FIELDS.map(lambda fields: urlencode(fields, errors="surrogatepass").encode())
JSONS = (FIELDS | ANYTHING_IN_JSON).map(lambda value: json.dumps(value).encode())
PARTS = FIELDS.map(
    lambda fields: (
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (name.encode(), value.encode(errors="replace"))
            for name, value in fields.items()
        )
        + b"--x--\r\n"
    )
)
HEADERS = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))
BODIES = st.one_of(
    st.tuples(st.just(FORM), FORMS),
    st.tuples(st.just(JSON), JSONS),
    st.tuples(st.just(MULTIPART), PARTS),
    st.tuples(st.sampled_from([FORM, JSON, MULTIPART, "", "text/plain"]) | HEADERS, st.binary(max_size=20_000)),
)
WORST = urlencode({"email": "honor@example.com", "password": "\u0316\u0300" * 1000}).encode()
MOST_NORMALIZATIONS = 3


@override_settings(LOGISTRATION_RATELIMIT_RATE="1000000/5m", LOGISTRATION_PER_EMAIL_RATELIMIT_RATE="1000000/5m")
class RandomRequestTest(TestCase):
    """The work of a request is measured in hashes and normalisations, not in seconds."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.enterContext(counting_hasher())
        UserFactory(username="honor")
        UserFactory(username="gone", is_active=False)

    def test_wrong_password_is_hashed_once_and_normalised_once(self):
        with counted_work() as (hashed, normalized):
            Client().post("/login_ajax", {"email": "honor@example.com", "password": "wrong"})
        assert (len(hashed), len(normalized)) == (1, 1)

    @settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(PATHS), BODIES, st.none() | st.integers(0, 30_000).map(str) | st.text(max_size=5))
    @example("/login_ajax", (FORM, WORST), None)
    @example("/xqueue/login/", (JSON, b"[" * 16_000), None)
    @example("/xqueue/login/", (JSON, b'{"username": "\\ud800", "password": "x"}'), None)
    @example("/login", (FORM, b"next=//" + urlencode({"": "\u0316" * 1000}).encode()), None)
    def test_random_request_is_answered_with_little_work(self, path, body, length):
        content_type, data = body
        headers = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(data)) if length is None else length}
        client = Client(raise_request_exception=False)
        with counted_work() as (hashed, normalized):
            response = client.request(REQUEST_METHOD="POST", PATH_INFO=path, **{"wsgi.input": BytesIO(data)}, **headers)
        assert response.status_code < 500
        assert len(hashed) <= 1
        assert all(characters <= 75 for characters in hashed)
        assert len(normalized) <= MOST_NORMALIZATIONS
