"""Addresses of the pages where things are made."""

from django.urls import path, re_path

from generation.web import chat, create, jobs, upstreams, voices

JOB = "^jobs/(?P<public_id>[0-9A-Za-z_-]{22})"

urlpatterns = [
    path("create", create.create, name="create"),
    path("create/code", create.code, name="create-code"),
    path("create/voice", voices.sample, name="create-voice"),
    re_path(r"^create/brought/(?P<words>[0-9A-Za-z_:-]{1,400})$", create.given, name="brought"),
    path("chat", chat.page, name="chat"),
    path("chat/answer", chat.answer, name="chat-answer"),
    path("chat/show", chat.show, name="chat-show"),
    path("jobs", jobs.several, name="jobs"),
    re_path(rf"{JOB}$", jobs.page, name="job"),
    re_path(rf"{JOB}/state\.json$", jobs.state, name="job-state"),
    re_path(rf"{JOB}/cancel$", jobs.cancel, name="job-cancel"),
    re_path(rf"{JOB}/transcript\.(?P<format>txt|srt|vtt)$", jobs.transcript, name="job-transcript"),
    re_path(rf"{JOB}/media$", jobs.media, name="job-media"),
    path("staff/upstreams", upstreams.page, name="staff-upstreams"),
    path("staff/upstreams/act", upstreams.act, name="staff-upstreams-act"),
]
