"""The addresses of accounts and of a team's own pages. Pages that show generations are the gallery's."""

from django.urls import URLPattern, URLResolver, include, path

from pollweb.accounts.views import (
    account,
    audit,
    authorize,
    first_staff,
    invitations,
    members,
    privacy,
    referrers,
    settings,
    staff_tiers,
    teams,
    tier,
    tokens,
    usage,
    webhooks,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", account.overview, name="account"),
    path("account/welcome/", account.welcome, name="account-welcome"),
    path("account/first/<str:secret>/", first_staff.first, name="account-first"),
    path("account/", include("allauth.urls")),
    path("authorize", authorize.authorize, name="authorize"),
    path("t/", teams.home, name="teams"),
    path("t/<slug:team>/", teams.enter, name="team"),
    path("t/<slug:team>/usage", usage.page, name="team-usage"),
    path("t/<slug:team>/usage.csv", usage.as_csv, name="team-usage-csv"),
    path("t/<slug:team>/usage.json", usage.as_json, name="team-usage-json"),
    # Teams as a whole.
    path("teams", teams.mine, name="my-teams"),
    path("teams/new", teams.new, name="new-team"),
    path("teams/<slug:slug>/restore", teams.restore, name="restore-team"),
    path("invitations/<str:secret>", invitations.invitation, name="invitation"),
    # Tier.
    path("t/<slug:team>/tier", tier.tier, name="team-tier"),
    path("t/<slug:team>/tier/ask", tier.ask, name="team-tier-ask"),
    path("t/<slug:team>/tier/withdraw", tier.withdraw, name="team-tier-withdraw"),
    # Members.
    path("t/<slug:team>/members", members.members, name="team-members"),
    path("t/<slug:team>/members/invite", members.invite, name="team-members-invite"),
    path("t/<slug:team>/members/<int:member>", members.member, name="team-members-one"),
    path("t/<slug:team>/members/<int:member>/role", members.change_role, name="team-members-role"),
    path("t/<slug:team>/members/<int:member>/remove", members.remove, name="team-members-remove"),
    path("t/<slug:team>/invitations/<int:invitation>/resend", members.resend, name="team-members-resend"),
    path("t/<slug:team>/invitations/<int:invitation>/withdraw", members.withdraw, name="team-members-withdraw"),
    path("t/<slug:team>/leave", teams.leave, name="team-members-leave"),
    # Audit.
    path("t/<slug:team>/audit", audit.audit, name="team-audit"),
    path("t/<slug:team>/audit.csv", audit.audit_csv, name="team-audit-csv"),
    # Webhooks.
    path("t/<slug:team>/webhooks", webhooks.webhooks_list, name="team-webhooks"),
    path("t/<slug:team>/webhooks/<int:webhook>", webhooks.one, name="team-webhooks-one"),
    path("t/<slug:team>/webhooks/<int:webhook>/change", webhooks.change, name="team-webhooks-change"),
    path("t/<slug:team>/webhooks/<int:webhook>/test", webhooks.test, name="team-webhooks-test"),
    path("t/<slug:team>/webhooks/<int:webhook>/secret", webhooks.rotate, name="team-webhooks-rotate"),
    path("t/<slug:team>/webhooks/<int:webhook>/pause", webhooks.pause, name="team-webhooks-pause"),
    path("t/<slug:team>/webhooks/<int:webhook>/start", webhooks.start, name="team-webhooks-start"),
    path("t/<slug:team>/webhooks/<int:webhook>/remove", webhooks.remove, name="team-webhooks-remove"),
    path("t/<slug:team>/deliveries/<uuid:delivery>", webhooks.delivery, name="team-webhooks-delivery"),
    path("t/<slug:team>/deliveries/<uuid:delivery>/retry", webhooks.retry, name="team-webhooks-retry"),
    # Settings.
    path("t/<slug:team>/settings", settings.settings, name="team-settings"),
    path("t/<slug:team>/settings/delete", teams.delete, name="team-settings-delete"),
    path("t/<slug:team>/settings/export", privacy.team_export, name="team-settings-export"),
    # One's own data.
    path("account/export", privacy.export, name="account-export"),
    path("account/delete", privacy.delete, name="account-delete"),
    path("exports/<str:name>", privacy.download, name="export"),
    path("exports/<str:name>/remove", privacy.remove, name="export-remove"),
    # Operators.
    path("staff/tiers", staff_tiers.requests, name="staff-tiers"),
    path("staff/tiers/set", staff_tiers.set_tier, name="staff-tiers-set"),
    path("staff/tiers/<int:wish>", staff_tiers.one, name="staff-tier"),
    path("staff/tiers/<int:wish>/decide", staff_tiers.decide, name="staff-tier-decide"),
    # Tokens.
    path("t/<slug:team>/tokens", tokens.tokens_list, name="team-tokens"),
    path("t/<slug:team>/tokens/new", tokens.new, name="team-tokens-new"),
    path("t/<slug:team>/tokens/<int:token>", tokens.one, name="team-tokens-one"),
    path("t/<slug:team>/tokens/<int:token>/first", tokens.first, name="team-tokens-first"),
    path("t/<slug:team>/tokens/<int:token>/rotate", tokens.rotate, name="team-tokens-rotate"),
    path("t/<slug:team>/tokens/<int:token>/revoke", tokens.revoke, name="team-tokens-revoke"),
    path("t/<slug:team>/tokens/<int:token>/restore", tokens.restore, name="team-tokens-restore"),
    # Referrers.
    path("t/<slug:team>/referrers", referrers.referrers_list, name="team-referrers"),
    path("t/<slug:team>/referrers/<int:referrer>", referrers.one, name="team-referrers-one"),
    path("t/<slug:team>/referrers/<int:referrer>/check", referrers.check, name="team-referrers-check"),
    path("t/<slug:team>/referrers/<int:referrer>/remove", referrers.remove, name="team-referrers-remove"),
    path("t/<slug:team>/referrers/seen/<int:host>/block", referrers.block, name="team-referrers-block"),
]
