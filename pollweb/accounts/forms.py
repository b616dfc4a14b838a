"""allauth's forms in our words: labels instead of placeholders, one sentence of help instead of a list."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as factors
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from allauth.socialaccount import forms as social
from django.forms import BaseForm, ModelChoiceField
from django.utils.translation import gettext_lazy as _

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "code": _("Verification code"),
    "name": _("Name of the key"),
    "oldpassword": _("Password until now"),
    "password1": _("Password"),
    "password2": _("Password once more"),
    "passwordless": _("Sign in with this key alone"),
}
HELP = {
    "password1": _("At least 8 characters."),
    "passwordless": _("A passkey: it asks for your finger, face or PIN, and no password is needed."),
}


def plain(form: type[BaseForm], **said: Any) -> type[BaseForm]:
    """`form` with our labels and help; `said` is further help by field."""
    told = {**HELP, **said}

    class Plain(form):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            for name, field in self.fields.items():
                if isinstance(field, ModelChoiceField):
                    continue
                field.widget.attrs.pop("placeholder", None)
                field.label = LABELS.get(name, field.label)
                field.help_text = told.get(name, field.help_text)
                if name == "passwordless":
                    field.initial = True
                if name == "code":
                    field.widget.attrs.update(autocomplete="one-time-code", autofocus=True, spellcheck="false")

    Plain.__name__ = form.__name__
    return Plain


Login = plain(account.LoginForm)
SignUp = plain(
    account.SignupForm,
    password1=_("At least 8 characters. You may leave it empty, and sign in with codes sent to your address."),
)
AddEmail = plain(account.AddEmailForm, email=_("A code is sent there; the old address holds until you enter it."))
ChangePassword = plain(account.ChangePasswordForm)
SetPassword = plain(account.SetPasswordForm)
ResetPassword = plain(account.ResetPasswordForm)
ResetPasswordKey = plain(account.ResetPasswordKeyForm)
RequestCode = plain(account.RequestLoginCodeForm)
ConfirmLoginCode = plain(account.ConfirmLoginCodeForm)
ConfirmEmailCode = plain(account.ConfirmEmailVerificationCodeForm)
ConfirmResetCode = plain(account.ConfirmPasswordResetCodeForm)
Reauthenticate = plain(account.ReauthenticateForm)
SocialSignUp = plain(social.SignupForm)
Authenticate = plain(factors.AuthenticateForm)
ReauthenticateFactor = plain(factors.ReauthenticateForm)
ActivateTOTP = plain(totp.ActivateTOTPForm)
AddKey = plain(webauthn.AddWebAuthnForm)
RenameKey = plain(webauthn.EditWebAuthnForm)
