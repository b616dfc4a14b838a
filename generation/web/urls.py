"""Addresses of the pages where things are made."""

from django.urls import path, re_path

from generation.web import create, jobs

JOB = "^jobs/(?P<public_id>[0-9A-Za-z_-]{22})"

urlpatterns = [
    path("create", create.create, name="create"),
    path("create/code", create.code, name="create-code"),
    re_path(rf"{JOB}$", jobs.page, name="job"),
    re_path(rf"{JOB}/state\.json$", jobs.state, name="job-state"),
    re_path(rf"{JOB}/cancel$", jobs.cancel, name="job-cancel"),
    re_path(rf"{JOB}/media$", jobs.media, name="job-media"),
]
