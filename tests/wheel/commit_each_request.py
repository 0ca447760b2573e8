"""
A pytest plugin for the platform's own tests: each request of a test client commits, as in production.

A Django ``TestCase`` wraps a test in a transaction that is never committed. The app ends an earlier session after the
commit, so without this plugin the platform's tests would never see it end.
"""

import pytest
from django.core.handlers.base import BaseHandler
from django.test import TestCase


@pytest.fixture(autouse=True)
def commit_each_request(request, monkeypatch):
    """In a ``TestCase``, run the callbacks of ``on_commit`` at the end of each request."""
    if request.cls is None or not issubclass(request.cls, TestCase):
        return
    get_response = BaseHandler.get_response

    def get_response_and_commit(handler, http_request):
        with TestCase.captureOnCommitCallbacks(execute=True):
            return get_response(handler, http_request)

    monkeypatch.setattr(BaseHandler, "get_response", get_response_and_commit)
