"""A team's webhooks: the list, the page of each with what it was told, and each message."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pollweb.accounts import webhooks
from pollweb.accounts.models import Webhook, WebhookDelivery
from pollweb.accounts.pages import one_of, team_page
from pollweb.accounts.tokens import Actor
from pollweb.lib import paging
from pollweb.lib.errors import BadRequest
from pollweb.lib.forms import sent

ROWS = 25


class Registration(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=forms.TextInput(
            attrs={
                "placeholder": "https://app.example.com/hooks",
                "autocapitalize": "none",
                "spellcheck": "false",
                "inputmode": "url",
            }
        ),
        help_text=gettext_lazy("It begins with https:// and can be reached from the internet."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it when"),
        choices=list(webhooks.EVENTS.items()),
        initial=["generation.failed", "token.expiring", "referrer.failing"],
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        try:
            return webhooks.check_address(self.cleaned_data["url"])
        except BadRequest as exc:
            raise forms.ValidationError(_refusal(exc)) from exc


def _refusal(exc: BadRequest) -> str:
    if exc.code == "url_refused":
        return _("This cannot be a webhook's address: it must be public, begin with https:// and name no user.")
    return exc.message


def _webhook(request: Any, pk: int) -> Webhook:
    return one_of(request.visit.team.webhooks.kept().filter(pk=pk).select_related("team", "created_by"))


def _delivery(request: Any, pk: Any) -> WebhookDelivery:
    return one_of(
        WebhookDelivery.objects.filter(
            pk=pk, webhook__team=request.visit.team, webhook__removed_at=None
        ).select_related("webhook__team")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("webhooks.see")
def webhooks_list(request: Any) -> HttpResponse:
    """GET: all of them. POST: add one; the answer shows its secret, this once."""
    if request.method == "POST":
        request.visit.require("webhooks.change")
    form = Registration(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = webhooks.create(
                request.visit.team, form.cleaned_data["url"], form.cleaned_data["events"], by=Actor.at(request)
            )
        except BadRequest as exc:
            form.add_error(None, exc.message)
        else:
            return _made(request, made, secret)
    rows = list(request.visit.team.webhooks.kept().order_by("pk"))
    context = {"form": form, "rows": rows, "is_full": len(rows) >= webhooks.MOST_OF_A_TEAM}
    return render(request, "teams/webhooks.html", context, status=422 if form.errors else 200)


def _made(request: Any, webhook: Webhook, secret: str) -> HttpResponse:
    return render(request, "teams/webhook_made.html", {"webhook": webhook, "secret": secret})


@require_safe
@team_page("webhooks.see")
def one(request: Any, webhook: int) -> HttpResponse:
    found = _webhook(request, webhook)
    page = paging.page(
        found.deliveries.order_by("-pk").defer("body", "answer"),
        ROWS,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    context = {
        "webhook": found,
        "events": [webhooks.EVENTS[name] for name in webhooks.EVENTS if name in found.events],
        "deliveries": page.rows,
        "older_url": f"?after={page.older}" if page.older else "",
        "newer_url": f"?before={page.newer}" if page.newer else "",
        "stops_after": webhooks.STOPS_AFTER,
        "kept_days": webhooks.KEPT.days,
    }
    return render(request, "teams/webhook.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("webhooks.change")
def change(request: Any, webhook: int) -> HttpResponse:
    found = _webhook(request, webhook)
    form = Registration(sent(request), initial={"url": found.url, "events": found.events})
    if request.method == "POST" and form.is_valid():
        webhooks.change(found, form.cleaned_data["url"], form.cleaned_data["events"], by=Actor.at(request))
        messages.success(request, _("Saved."))
        return redirect("team-webhooks-one", request.visit.team.slug, found.pk)
    context = {"form": form, "webhook": found}
    return render(request, "teams/webhook_change.html", context, status=422 if form.errors else 200)


@require_POST
@team_page("webhooks.change")
def test(request: Any, webhook: int) -> HttpResponse:
    sent = webhooks.send_test(_webhook(request, webhook))
    return redirect("team-webhooks-delivery", request.visit.team.slug, sent.pk)


@require_POST
@team_page("webhooks.change")
def rotate(request: Any, webhook: int) -> HttpResponse:
    found = _webhook(request, webhook)
    return _made(request, found, webhooks.rotate(found, by=Actor.at(request)))


@require_POST
@team_page("webhooks.change")
def pause(request: Any, webhook: int) -> HttpResponse:
    webhooks.pause(_webhook(request, webhook), by=Actor.at(request))
    return redirect("team-webhooks-one", request.visit.team.slug, webhook)


@require_POST
@team_page("webhooks.change")
def start(request: Any, webhook: int) -> HttpResponse:
    webhooks.start(_webhook(request, webhook), by=Actor.at(request))
    return redirect("team-webhooks-one", request.visit.team.slug, webhook)


@require_http_methods(["GET", "HEAD", "POST"])
@team_page("webhooks.change")
def remove(request: Any, webhook: int) -> HttpResponse:
    found = _webhook(request, webhook)
    if request.method == "POST":
        webhooks.remove(found, by=Actor.at(request))
        messages.success(request, _("%(name)s is removed.") % {"name": found.url})
        return redirect("team-webhooks", request.visit.team.slug)
    return render(request, "teams/webhook_remove.html", {"webhook": found})


@require_safe
@team_page("webhooks.see")
def delivery(request: Any, delivery: Any) -> HttpResponse:
    found = _delivery(request, delivery)
    context = {
        "delivery": found,
        "body": json.dumps(json.loads(found.body), indent=2, ensure_ascii=False),
        "back": reverse("team-webhooks-one", args=[request.visit.team.slug, found.webhook_id]),
    }
    return render(request, "teams/webhook_delivery.html", context)


@require_POST
@team_page("webhooks.change")
def retry(request: Any, delivery: Any) -> HttpResponse:
    webhooks.retry(_delivery(request, delivery))
    return redirect("team-webhooks-delivery", request.visit.team.slug, delivery)
