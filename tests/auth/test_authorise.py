"""What a genuine token may do: revocation, state, environment, subscription, scope (promises T12-T14, Z6, Z7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auth import errors
from auth.authorise import authorise, honoured
from auth.policy import AccessTable, AppAccess, Demand, Grant
from auth.principal import Principal

PRINCIPAL = Principal(
    client_id="sluss_app_1",
    subject="sluss_app_1",
    organisation_id="org_1",
    app_id="app_1",
    environment="sandbox",
    scopes=frozenset({"behov:read"}),
    token_id="jti-1",
    issued_at=1000,
    expires_at=1300,
)
APP = AppAccess("app_1", "sluss_app_1", "org_1", "sandbox", active=True, tokens_valid_from=1000)
GRANT = Grant("sub_1", "org_1", "app_1", "behov/v1", "sandbox", "prova", 1, active=True)
DEMAND = Demand("behov/v1", frozenset({"behov:read"}), callable=True)


def table(
    app: AppAccess | None = APP, grant: Grant | None = GRANT, revoked: frozenset[str] = frozenset()
) -> AccessTable:
    return AccessTable(
        apps={} if app is None else {app.client_id: app},
        grants={} if grant is None else {(grant.app_id, grant.api): grant},
        revoked=revoked,
    )


def test_the_grant_is_what_is_limited_and_metered() -> None:
    assert authorise(PRINCIPAL, DEMAND, table(), 1000) is GRANT
    assert honoured(PRINCIPAL, table()) is APP


TOKEN_REFUSED: list[tuple[AccessTable, type[errors.Unauthenticated]]] = [
    (table(revoked=frozenset({"jti-1"})), errors.RevokedToken),
    (table(app=None), errors.UnknownApp),
    (table(app=replace(APP, app_id="app_2")), errors.UnknownApp),
    (table(app=replace(APP, organisation_id="org_2")), errors.UnknownApp),
    (table(app=replace(APP, active=False)), errors.AppSuspended),
    (table(app=replace(APP, organisation_active=False)), errors.OrganisationDisabled),
    (table(app=replace(APP, tokens_valid_from=1001)), errors.RevokedToken),
]


@pytest.mark.parametrize(("access", "expected"), TOKEN_REFUSED)
def test_a_token_that_is_no_longer_honoured(
    access: AccessTable, expected: type[errors.Unauthenticated]
) -> None:
    with pytest.raises(expected) as caught:
        authorise(PRINCIPAL, DEMAND, access, 1000)
    assert caught.value.bearer_error == "invalid_token"
    with pytest.raises(expected):
        honoured(PRINCIPAL, access)


CALL_REFUSED: list[tuple[AccessTable, type[errors.Forbidden]]] = [
    (table(grant=None), errors.NoSubscription),
    (table(grant=replace(GRANT, api="eko/v1")), errors.NoSubscription),
    (table(grant=replace(GRANT, app_id="app_2")), errors.NoSubscription),
    (table(grant=replace(GRANT, organisation_id="org_2")), errors.NoSubscription),
    (table(grant=replace(GRANT, environment="production")), errors.WrongEnvironment),
    (table(app=replace(APP, environment="production")), errors.WrongEnvironment),
    (
        table(app=replace(APP, environment="production"), grant=replace(GRANT, environment="production")),
        errors.WrongEnvironment,
    ),
    (table(grant=replace(GRANT, active=False)), errors.SubscriptionSuspended),
]


@pytest.mark.parametrize(("access", "expected"), CALL_REFUSED)
def test_a_call_that_is_not_for_this_app(access: AccessTable, expected: type[errors.Forbidden]) -> None:
    with pytest.raises(expected) as caught:
        authorise(PRINCIPAL, DEMAND, access, 1000)
    assert caught.value.bearer_error is None


@pytest.mark.parametrize(
    ("held", "demanded", "passes"),
    [
        ({"behov:read"}, {"behov:read"}, True),
        ({"behov:read", "behov:write"}, {"behov:read"}, True),
        ({"behov:read", "behov:write"}, {"behov:read", "behov:write"}, True),
        (set(), set(), True),
        ({"behov:read"}, set(), True),
        ({"behov:read"}, {"behov:write"}, False),
        ({"behov:read"}, {"behov:read", "behov:write"}, False),
        (set(), {"behov:read"}, False),
        ({"behov"}, {"behov:read"}, False),
        ({"behov:*"}, {"behov:read"}, False),
        ({"BEHOV:READ"}, {"behov:read"}, False),
        ({"behov:read "}, {"behov:read"}, False),
    ],
)
def test_every_demanded_scope_is_needed(held: set[str], demanded: set[str], passes: bool) -> None:
    principal = replace(PRINCIPAL, scopes=frozenset(held))
    demand = replace(DEMAND, scopes=frozenset(demanded))
    if passes:
        assert authorise(principal, demand, table(), 1000) is GRANT
        return
    with pytest.raises(errors.MissingScope) as caught:
        authorise(principal, demand, table(), 1000)
    assert caught.value.scopes == tuple(sorted(demanded))


def test_the_token_is_judged_before_the_call() -> None:
    """Who holds a revoked token learns nothing about subscriptions and scopes."""
    access = table(grant=None, revoked=frozenset({"jti-1"}))
    with pytest.raises(errors.RevokedToken):
        authorise(replace(PRINCIPAL, scopes=frozenset()), DEMAND, access, 1000)


def test_an_empty_table_refuses_everybody() -> None:
    with pytest.raises(errors.UnknownApp):
        authorise(PRINCIPAL, DEMAND, AccessTable(), 1000)


PERSON = replace(PRINCIPAL, subject="per_1", grant_id="gra_1", acr="loa1", auth_time=900)


@pytest.mark.parametrize(
    "access",
    [
        replace(table(), revoked_grants=frozenset({"gra_1"})),
        replace(table(), disabled_people=frozenset({"per_1"})),
    ],
)
def test_what_a_person_gave_ends_with_it(access: AccessTable) -> None:
    """T14, T20, P15."""
    assert authorise(PERSON, DEMAND, table(), 1000) is GRANT
    with pytest.raises(errors.RevokedToken):
        authorise(PERSON, DEMAND, access, 1000)
    assert authorise(PRINCIPAL, DEMAND, access, 1000) is GRANT, "the app's own token is another"


def test_a_token_for_some_apis_is_none_for_others() -> None:
    """RFC 8707, 2."""
    assert authorise(replace(PERSON, apis=frozenset({"behov/v1", "eko/v1"})), DEMAND, table(), 1000) is GRANT
    with pytest.raises(errors.WrongAudience):
        authorise(replace(PERSON, apis=frozenset({"eko/v1"})), DEMAND, table(), 1000)


LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"


@pytest.mark.parametrize(
    ("demanded", "held", "passes"),
    [
        ({}, {"acr": "", "auth_time": 0}, True),
        ({"acr": LOA3}, {"acr": LOA3}, True),
        ({"acr": LOA3}, {"acr": LOA3.replace("loa3", "loa4")}, True),
        ({"acr": LOA3}, {"acr": LOA3.replace("loa3", "loa2")}, False),
        ({"acr": LOA3}, {"acr": LOA3 + "x"}, False),
        ({"acr": LOA3}, {"acr": "loa4"}, False),
        ({"acr": LOA3}, {"acr": LOA3, "grant_id": ""}, False),
        ({"max_age": 60}, {"auth_time": 940}, True),
        ({"max_age": 60}, {"auth_time": 939}, False),
        ({"max_age": 60}, {"auth_time": 1000, "grant_id": ""}, False),
        ({"acr": LOA3, "max_age": 60}, {"acr": LOA3, "auth_time": 939}, False),
    ],
)
def test_rfc9470_how_the_person_signed_in(
    demanded: dict[str, object], held: dict[str, object], passes: bool
) -> None:
    person = replace(PERSON, **held)  # type: ignore[arg-type]
    demand = replace(DEMAND, **demanded)  # type: ignore[arg-type]
    if passes:
        assert authorise(person, demand, table(), 1000) is GRANT
        return
    with pytest.raises(errors.InsufficientUserAuthentication) as caught:
        authorise(person, demand, table(), 1000)
    assert (caught.value.acr, caught.value.max_age) == (demand.acr, demand.max_age)
    with pytest.raises(errors.MissingScope):
        authorise(replace(person, scopes=frozenset()), demand, table(), 1000)
