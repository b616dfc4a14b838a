"""What the site says while its database is full or away."""

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from pollweb.lib.middleware import ErrorPages


@pytest.mark.django_db
@pytest.mark.parametrize(("said", "status"), [("database or disk is full", 507), ("connection refused", 503)])
def test_a_page_says_that_the_database_is_full_or_away(said, status):
    request = RequestFactory().get("/create")
    page = ErrorPages(lambda request: None).process_exception(request, OperationalError(said))
    assert page.status_code == status
    assert said not in page.content.decode()
