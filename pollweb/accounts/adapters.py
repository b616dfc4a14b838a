"""How django-allauth fits into pollweb: who may sign up, whose address a caller has, how mail is sent, what is kept."""

import base64
import os
import smtplib
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from pollweb.accounts import audit
from pollweb.accounts.models import Invitation
from pollweb.accounts.preferences import SPOKEN, has_chosen_visibility, keep
from pollweb.lib import http, sealing
from pollweb.lib.errors import Unavailable

# Set in the session by the page of an invitation, for those who have no account yet: the invitation's digest.
INVITATION = "invitation"
# What the secrets of second factors are sealed for.
SECOND_FACTORS = "second factors"


class Accounts(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("The address or the password is not right."),
        "incorrect_password": gettext_lazy("The password is not right."),
        "incorrect_code": gettext_lazy("The code is not right."),
        "too_many_login_attempts": gettext_lazy("Too many failed attempts. Wait a few minutes, then try again."),
        "rate_limited": gettext_lazy("Too many requests in a short time. Wait a minute, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """The operator's [site] sign_up: open, invited, closed."""
        wish = settings.DESIGN.site.sign_up
        if wish == "invited":
            return Invitation.objects.open().filter(digest=request.session.get(INVITATION, "")).exists()
        return bool(wish == "open")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Never what the caller claims: `X-Forwarded-For` counts only from trusted proxies."""
        return http.client_address(request)

    def is_safe_url(self, url: str | None) -> bool:
        """Back to this very host, and to no other of ours: image hosts show what strangers made."""
        request = self.request or allauth_context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def render_mail(
        self, template_prefix: str, email: str | list[str], context: dict[str, Any], headers: Any = None
    ) -> EmailMessage:
        context = {**context, "site_name": settings.DESIGN.site.name, "site_url": settings.SITE_URL}
        message = super().render_mail(template_prefix, email, context, headers)
        message.essence = context.get("code", "")  # for the terminal: pollweb.lib.mail
        return message

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except (smtplib.SMTPException, OSError) as exc:
            raise Unavailable(_("Mail cannot be sent at the moment. Try again shortly."), code="mail_away") from exc

    def post_login(self, request: HttpRequest, user: Any, **options: Any) -> HttpResponse:
        """Whoever has not been asked yet whether what they make is public is asked now, on the way to their goal."""
        response = cast(HttpResponse, super().post_login(request, user, **options))
        audit.record("account.signed_in", team=None, actor=user, request=request)
        keep(user, **{SPOKEN: get_language() or ""})  # for mail that a worker sends, which sees no browser
        if isinstance(response, HttpResponseRedirect) and not has_chosen_visibility(user):
            return HttpResponseRedirect(f"{reverse('account-welcome')}?{urlencode({'next': response.url})}")
        return response


class SecondFactors(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes lie encrypted in the database, under the installation's key."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, SECOND_FACTORS)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return sealing.unseal(encrypted_text, SECOND_FACTORS)
        except InvalidToken:  # the installation's key was changed: no code may fit, so none that can be foreseen
            return base64.b32encode(os.urandom(40)).decode()

    def get_totp_issuer(self) -> str:
        return str(settings.DESIGN.site.name)

    def _get_site_name(self) -> str:
        return str(settings.DESIGN.site.name)


class OtherAccounts(DefaultSocialAccountAdapter):
    """Accounts at GitHub, Google and OpenID Connect providers."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        if not self.list_apps(request, provider=provider, client_id=client_id):
            raise Http404  # one that the operator has not set up
        return super().get_app(request, provider, client_id)
