"""The page behind the link that `up` prints on a fresh installation: who is to be its operator."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.utils import perform_login
from django import forms
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from pollweb.accounts import audit, first_staff
from pollweb.accounts.models import User
from pollweb.lib.errors import NotFound


class FirstStaff(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("At least 8 characters."),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("There is an account for this address: sign in, then open the link again."))
        return email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.cleaned_data.get("email", "")))
        return password

    def save(self, request: HttpRequest) -> User:
        user = User(email=self.cleaned_data["email"])
        get_adapter(request).populate_username(request, user)
        user.set_password(self.cleaned_data["password"])
        user.save()
        # Whoever reads this machine's terminal need not prove an address by mail, which may not even be set up yet.
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first(request: HttpRequest, secret: str) -> HttpResponse:
    """Opening the page changes nothing; sending its form makes the account, or raises the one that is signed in."""
    if not first_staff.is_good(secret):
        raise NotFound(
            _("This link was used, has expired, or a newer one was printed. A fresh start prints a new one.")
        )
    known = request.user if request.user.is_authenticated else None
    form = FirstStaff(request.POST if request.method == "POST" and known is None else None)
    if request.method == "POST" and (known is not None or form.is_valid()):
        return _make(request, secret, known, form)
    context: dict[str, Any] = {"form": form, "known": known}
    return render(request, "account/first.html", context, status=422 if form.errors else 200)


def _make(request: HttpRequest, secret: str, known: User | None, form: FirstStaff) -> HttpResponse:
    if not first_staff.spend(secret):
        raise NotFound(
            _("This link was used, has expired, or a newer one was printed. A fresh start prints a new one.")
        )
    with transaction.atomic():
        user = known or form.save(request)
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
        audit.record("staff.first_made", team=None, actor=user, target=user.email, request=request)
    messages.success(request, _("You are the operator of this site now."))
    return perform_login(request, user, redirect_url=reverse("teams")) if known is None else redirect("account")
