"""The xqueue API: its login and its results."""

import json

import ddt
from django.core.cache import cache
from django.test import Client, TestCase, override_settings
from submissions import api
from submissions.models import ExternalGraderDetail, Score
from submissions.views.xqueue import MAX_SCORE_UPDATE_RETRIES

from common.djangoapps.student.tests.factories import TEST_PASSWORD, UserFactory

LOGIN = "/xqueue/login/"
RIGHT = {"username": "xqwatcher", "password": TEST_PASSWORD}


@ddt.ddt
class XQueueLoginTest(TestCase):
    """Graders get the CSRF cookie with GET and sign in with POST."""

    def setUp(self):
        super().setUp()
        cache.clear()
        UserFactory(username="xqwatcher", groups=["xqueue"])

    def answer(self, response):
        return response.status_code, response.json()["return_code"], response.json()["content"]

    def test_get_sets_the_csrf_cookie(self):
        response = self.client.get(LOGIN)
        assert self.answer(response) == (200, 0, "")
        assert "csrftoken" in response.cookies

    @ddt.data("application/json", "multipart")
    def test_post_signs_in(self, content_type):
        sent = (json.dumps(RIGHT), content_type) if content_type != "multipart" else (RIGHT,)
        assert self.answer(self.client.post(LOGIN, *sent)) == (200, 0, "Logged in")
        assert self.client.get("/xqueue/get_submission/", {"queue_name": "q"}).status_code == 200

    def test_login_with_wrong_credentials_fails(self):
        for data in ({**RIGHT, "password": "wrong"}, {**RIGHT, "username": "nobody"}):
            assert self.answer(self.client.post(LOGIN, data)) == (401, 1, "Incorrect login credentials")

    @ddt.data(
        "5",
        "null",
        "[]",
        '"username password"',
        '["username", "password"]',
        '{"username": "xqwatcher"}',
        '{"username": ["xqwatcher"], "password": "x"}',
        '{"username": "xqwatcher", "password": 5}',
        '{"username": "\\ud800", "password": "x"}',
        "[" * 16000,
    )
    def test_malformed_credentials_are_refused(self, body):
        response = self.client.post(LOGIN, body, content_type="application/json")
        assert self.answer(response) == (400, 1, "Insufficient login info")

    @ddt.data("/xqueue/login.json", "/xqueue/")
    def test_there_is_no_other_login_url(self, path):
        assert self.client.post(path, RIGHT).status_code == 404

    def test_too_many_wrong_passwords_get_429(self):
        # For a year, so that the limit is not over in the middle of the test.
        with override_settings(LOGISTRATION_RATELIMIT_RATE="3/365d"):
            statuses = [Client().post(LOGIN, {**RIGHT, "password": "wrong"}).status_code for _ in range(4)]
            assert statuses == [401, 401, 401, 429]
            refused = self.client.post(LOGIN, RIGHT)
        assert self.answer(refused) == (429, 1, "Too many failed login attempts. Try again later.")

    def test_session_expires_when_the_site_says(self):
        assert self.client.post(LOGIN, RIGHT).status_code == 200
        with override_settings(SESSION_COOKIE_AGE=1234):
            assert self.client.session.get_expiry_age() == 1234


WRONG_REPLIES = [
    "[]",
    '"x"',
    "1",
    "null",
    "not JSON",
    "[" * 100_000,
    "{}",
    '{"score": null}',
    '{"score": "x"}',
    '{"score": []}',
    '{"score": -1}',
    '{"score": NaN}',
    '{"score": Infinity}',
    '{"score": 1, "msg": "\ud800"}',
]
WRONG_NUMBERS = ['"x"', '""', "null", "[]", "{}", "1.5", "true", "NaN", "1e400", "1" * 5000, f'"{"1" * 5000}"']
HEADER, BODY = "Incorrect reply format: xqueue_header", "Incorrect reply format: xqueue_body"


@ddt.ddt
class XQueueResultTest(TestCase):
    """A grader pulls a submission and sends what it made of it."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.client = Client(raise_request_exception=False)
        self.client.force_login(UserFactory(username="xqwatcher", groups=["xqueue"]))
        student = {"student_id": "s", "course_id": "c", "item_id": "i", "item_type": "problem"}
        api.create_external_grader_detail(student, "answer", queue_name="q", queue_key="k", grader_file_name="g")

    def pull(self):
        """Return the header of the submission that is offered, or None."""
        answer = self.client.get("/xqueue/get_submission/", {"queue_name": "q"}).json()
        return None if answer["return_code"] else json.loads(answer["content"])["xqueue_header"]

    def put(self, header, body='{"score": 1}'):
        """Send a result as JSON. It can hold more than a form. Return the status and the reason."""
        sent = json.dumps({"xqueue_header": header, "xqueue_body": body})
        return self.answer(self.client.post("/xqueue/put_result/", sent, content_type="application/json"))

    def answer(self, response):
        return response.status_code, response.json()["content"]

    def failures(self):
        return ExternalGraderDetail.objects.get().num_failures

    @ddt.data(*WRONG_REPLIES)
    def test_wrong_reply_is_refused_with_the_reason_and_counts_as_a_failure(self, body):
        status, reason = self.put(self.pull(), body)
        assert status == 400
        assert "xqueue_body" in reason
        assert self.failures() == 1
        assert self.put(self.pull()) == (200, "")

    @ddt.data("[]", '{"score": "x"}')
    def test_submission_is_not_offered_again_after_some_wrong_replies(self, body):
        for _ in range(MAX_SCORE_UPDATE_RETRIES):
            assert self.put(self.pull(), body)[0] == 400
        assert self.pull() is None
        assert ExternalGraderDetail.objects.get().status == "failed"

    def test_wrong_reply_in_a_form_is_refused(self):
        response = self.client.post("/xqueue/put_result/", {"xqueue_header": self.pull(), "xqueue_body": "[]"})
        assert self.answer(response) == (400, f"{BODY} is not a JSON object")

    @ddt.data(*WRONG_NUMBERS)
    def test_submission_id_that_is_no_number_is_refused(self, number):
        header = self.pull()
        sent = f'{{"submission_id": {number}, "submission_key": {json.dumps(json.loads(header)["submission_key"])}}}'
        status, reason = self.put(sent)
        assert status == 400
        assert reason.startswith("Incorrect reply format: ")
        assert self.failures() == 0

    @ddt.data("[]", "null", "x", "{}", '{"submission_id": 1}', '{"submission_key": "x"}', None, 1, {}, "[" * 100_000)
    def test_malformed_header_is_refused(self, header):
        status, reason = self.put(header)
        assert status == 400
        assert reason.startswith(HEADER)

    @ddt.data("[]", "null", "1", '"x"', "{}", "[" * 100_000, '{"xqueue_header": "{}"}')
    def test_malformed_request_is_refused(self, body):
        response = self.client.post("/xqueue/put_result/", body, content_type="application/json")
        status, reason = self.answer(response)
        assert status == 400
        assert reason.startswith(HEADER)

    @ddt.data("another", None, [])
    def test_wrong_reply_with_another_key_is_not_counted(self, key):
        header = json.loads(self.pull())
        assert self.put(json.dumps({**header, "submission_key": key}), "[]")[0] == 400
        assert self.failures() == 0

    @ddt.data(0, -1, 10**30)
    def test_wrong_reply_for_an_unknown_submission_is_refused(self, number):
        assert self.put(json.dumps({"submission_id": number, "submission_key": "k"}), "[]")[0] == 400

    def test_wrong_reply_that_is_sent_twice_is_counted_once(self):
        header = self.pull()
        assert [self.put(header, "[]")[0] for _ in range(2)] == [400, 400]
        assert self.failures() == 1

    @ddt.data('{"score": 1}', '{"score": 1e308}')
    def test_result_that_is_sent_twice_is_refused_and_changes_nothing(self, body):
        header = self.pull()
        assert self.put(header, body)[0] == 200
        before = ExternalGraderDetail.objects.values().get(), Score.objects.count()
        assert self.put(header, body) == (409, "The submission does not wait for this result")
        assert (ExternalGraderDetail.objects.values().get(), Score.objects.count()) == before

    def test_result_after_a_wrong_reply_is_recorded(self):
        header = self.pull()
        self.put(header, "[]")
        assert self.put(header, '{"score": 1, "msg": "fine"}') == (200, "")
        assert ExternalGraderDetail.objects.get().status == "retired"
