"""What the auth API and the usage report take and give, for the reference."""

from pollweb.accounts import money, scopes, usage_api
from pollweb.accounts.auth import people, registrations, secrets, urls
from pollweb.lib import schema
from pollweb.lib.operations import JSON, Answer, Operation, Operations
from pollweb.lib.schema import Fields, Schema

TAG = "Accounts"

ID = schema.text("The number of a person.", pattern="^[0-9]{1,17}$")
ONESELF: Fields = {"user_id": ID}
PK: Fields = {"pk": schema.whole("The token's number.", 1, 2**31 - 1)}
TIER = schema.choice(people.GIVEN)
JWT = "Needs a session token (JWT)."
KEY = "Needs the operator's admin key."
MANAGES = "Needs a token with the scope `tokens.manage`, or a session token (JWT)."

TOKEN_FIELDS: Fields = {
    "name": schema.text(minLength=1, maxLength=80),
    "scopes": schema.listed(schema.choice(scopes.WORDS)),
    "visibility": schema.choice(("public", "private")),
    "allowed_models": schema.listed(schema.text(), maxItems=100),
    "networks": schema.listed(schema.text("A range such as 192.0.2.0/24."), maxItems=100),
    "interval": schema.number("Seconds between two starts.", 0, 2**31 - 1),
    "concurrency": schema.whole("Requests at once.", 1, 2**31 - 1),
    "monthly_quota": schema.whole("Requests in a month.", 1, 2**31 - 1),
    "monthly_budget": schema.number("Money in a month, in `[site] currency`.", 0.01, money.MOST),
    "expires_at": schema.text("A time to come.", format="date-time"),
}
TOKEN = schema.named(
    "Token",
    schema.record(
        {
            "id": schema.whole(),
            **{name: schema.or_null(each) for name, each in TOKEN_FIELDS.items() if name != "visibility"},
            "visibility": {"enum": ["public", "private", None]},
            "last_four": schema.text(),
            "state": schema.text(),
            "token": schema.text("The secret, where it was just made: it is told once."),
        },
        required=["id", "name", "state", "scopes"],
    ),
)
USAGE = schema.named(
    "UsageReport",
    schema.record(
        {
            "object": {"const": "usage"},
            "of": schema.choice(("team", "token")),
            "team": schema.text(),
            "from": schema.text(format="date-time"),
            "to": schema.text(format="date-time"),
            "step": schema.choice(("hour", "day")),
            "group": schema.text(),
            "currency": schema.text(),
            "totals": {"type": "object"},
            "data": schema.listed({"type": "object"}),
            "series": schema.listed({"type": "object"}),
        },
        required=["object", "of", "team", "from", "to", "step", "totals", "data", "series"],
    ),
)
USER = schema.record(
    {"github_user_id": schema.text(), "user_id": schema.text(), "username": schema.text()},
    required=["user_id", "username"],
)
VALID = schema.record(
    {
        "valid": {"type": "boolean"},
        "userId": schema.or_null(schema.text()),
        "username": schema.or_null(schema.text()),
        "tier": schema.or_null(schema.text()),
    },
    required=["valid"],
)
DOMAINS = schema.record(
    {
        "domains": schema.listed(schema.text()),
        "pending": schema.listed(schema.record({"domain": schema.text(), "proof": schema.text()})),
    },
    required=["domains", "pending"],
)
REFERRER: Fields = {"referrer": schema.text("A domain or an identifier.")}
PREFERENCES = schema.either(
    schema.record({"key": schema.text(minLength=1, maxLength=people.MOST_KEY), "value": {}}, "", ["key", "value"]),
    schema.record({"preferences": {"type": "object"}}, "", ["preferences"]),
)
METRICS = schema.either(
    schema.record(
        {"key": schema.text(minLength=1, maxLength=people.MOST_KEY), "value": schema.number()}, "", ["key", "value"]
    ),
    schema.record({"metrics": {"type": "object"}}, "", ["metrics"]),
    schema.record(
        {"increment": schema.record({"key": schema.text(), "by": schema.number()}, "", ["key"])}, "", ["increment"]
    ),
)


def _operation(
    summary: str,
    answer: Schema,
    description: str = "",
    *,
    query: Fields | None = None,
    path: Fields | None = None,
    body: Schema | None = None,
    body_required: bool = True,
    status: int = 200,
) -> Operation:
    return Operation(
        TAG,
        summary,
        description,
        query=query or {},
        path=path or {},
        body={JSON: body} if body is not None else {},
        body_required=body_required,
        answers={status: Answer("", {JSON: answer}, ("Cache-Control",))},
        refuses=(401, 403, 404, 409, 422, 429),
        limited=True,
    )


def _site(summary: str, query: Fields) -> Operation:
    return Operation(TAG, summary, query=query, answers={302: Answer("To the site.", {}, ("Location",))})


ANYTHING: Schema = {"type": "object"}

OPERATIONS: Operations = {
    urls.account: {"GET": _site("Leads to the pages of accounts", {})},
    urls.authorize: {
        "GET": _site(
            "Leads to the consent page",
            {"redirect_uri": schema.text("Where the session token goes.", format="uri"), "state": schema.text()},
        )
    },
    people.user: {"GET": _operation("Who somebody is", USER, JWT)},
    people.whoami: {
        "GET": _operation("How a credential was read, and what it is worth", ANYTHING, query=REFERRER),
        "POST": _operation("The same, with the credential in a body", ANYTHING, body=ANYTHING, body_required=False),
    },
    people.user_tier: {
        "GET": _operation("One's own tier", schema.record({"tier": schema.text()}, "", ["tier"]), JWT, query=ONESELF),
        "POST": _operation(
            "Give somebody a tier",
            schema.record({"success": {"const": True}, "userId": schema.text(), "tier": TIER}),
            KEY,
            body=schema.record({"user_id": ID, "tier": TIER}, "", ["user_id", "tier"]),
        ),
    },
    people.user_tiers: {
        "GET": _operation(
            "Everybody's tiers",
            schema.record({"users": schema.listed(ANYTHING), "count": schema.whole()}),
            KEY,
            query={"after": ID},
        )
    },
    people.preferences: {
        "GET": _operation("What programs keep for a person", ANYTHING, "Needs a JWT, or a token of a personal team."),
        "POST": _operation(
            "Keep something for a person", ANYTHING, "Needs a JWT, or a token of a personal team.", body=PREFERENCES
        ),
    },
    people.admin_preferences: {
        "GET": _operation("A person's preferences", ANYTHING, KEY, query=ONESELF),
        "POST": _operation("Change a person's preferences", ANYTHING, KEY, query=ONESELF, body=PREFERENCES),
    },
    people.admin_metrics: {
        "GET": _operation("Numbers that the operator's programs keep", ANYTHING, KEY, query=ONESELF),
        "POST": _operation("Change such numbers", ANYTHING, KEY, query=ONESELF, body=METRICS),
    },
    people.admin_user_info: {"GET": _operation("A person, without secrets", ANYTHING, KEY, query=ONESELF)},
    registrations.user_domains: {
        "GET": _operation("One's domains", DOMAINS, JWT, query=ONESELF),
        "POST": _operation(
            "Replace one's domains",
            DOMAINS,
            JWT,
            query=ONESELF,
            body=schema.record({"domains": schema.listed(schema.text(), maxItems=registrations.MOST)}, "", ["domains"]),
        ),
    },
    registrations.check_domain: {
        "GET": _operation(
            "Whether a domain counts as somebody's",
            schema.record({"allowed": {"type": "boolean"}}, "", ["allowed"]),
            query={"user_id": ID, "domain": schema.text()},
        )
    },
    registrations.validate_referrer: {
        "GET": _operation("Whose a referrer is", VALID, query=REFERRER),
        "POST": _operation(
            "The same, with the referrer in a body", VALID, body=schema.record(REFERRER), body_required=False
        ),
    },
    secrets.own_token: {
        "GET": _operation(
            "Whether one has a token", schema.record({"has_token": {"type": "boolean"}}), JWT, query=ONESELF
        ),
        "POST": _operation(
            "A new token of one's own; the old one is gone",
            schema.record({"token": schema.text(), "generated": {"const": True}}),
            JWT,
            query=ONESELF,
        ),
    },
    secrets.validate_token: {
        "GET": _operation(
            "Whether a token is valid, and whose it is", VALID, "Always 200.", path={"token": schema.text(minLength=1)}
        ),
        "POST": _operation(
            "The same, with the token in a body",
            VALID,
            path={"token": schema.text(minLength=1)},
            body=schema.record({"token": schema.text()}),
            body_required=False,
        ),
    },
    secrets.all_tokens: {
        "GET": _operation("The tokens that may be managed", schema.record({"tokens": schema.listed(TOKEN)}), MANAGES),
        "POST": _operation(
            "A new token", TOKEN, MANAGES, body=schema.record(TOKEN_FIELDS), body_required=False, status=201
        ),
    },
    secrets.one_token: {"GET": _operation("One token", TOKEN, MANAGES, path=PK)},
    secrets.rotate: {
        "POST": _operation(
            "A new secret for a token",
            TOKEN,
            MANAGES,
            path=PK,
            body=schema.record({"overlap_hours": {"enum": list(secrets.OVERLAPS), "default": 24}}),
            body_required=False,
        )
    },
    secrets.revoke: {
        "POST": _operation(
            "End a token", TOKEN, MANAGES, path=PK, body=schema.record({"reason": schema.text()}), body_required=False
        )
    },
    usage_api.read: {
        "GET": _operation(
            "What was used",
            USAGE,
            "A token's own usage; with the scope `usage.read` its team's.",
            query={
                **{name: schema.choice(words) for name, words in usage_api.CHOICES.items()},
                "from": schema.text("The first day.", format="date"),
                "to": schema.text("The last day.", format="date"),
                "model": schema.text(),
                "token": schema.text("A token's number."),
                "referrer": schema.text(),
            },
        )
    },
}
