"""The table of operations: the router and the OpenAPI document are both made from it, so neither can drift."""

from __future__ import annotations

from console import errors
from console.management import listings, shapes
from console.management.operation import Door, Operation, Work
from console.management.paging import PageQuery
from console.management.resources import (
    accounts,
    apps,
    catalogue,
    clients,
    invitations,
    kept_answers,
    organisations,
    subscriptions,
    tokens,
    usage,
)

_ORGANISATION = "/organisations/{organisationId}"
_APP = f"{_ORGANISATION}/apps/{{appId}}"
_RULES = (errors.AgainstRules, errors.Conflict)
_FOUND = (errors.Forbidden, errors.NotFound)
_STEP = (*_FOUND, errors.Conflict)

PEOPLE: tuple[Operation, ...] = (
    Operation(
        "POST", "/people", "signUp", "Sign up", "Registrera dig", "people", accounts.sign_up, 201,
        shapes.PersonShape, takes=shapes.NewPerson, door=Door.OPEN, work=Work.NONE,
        refusals=(errors.Conflict, errors.TooManyTries),
    ),
    Operation(
        "GET", "/people/me", "getMe", "Who you are", "Vem du är", "people", accounts.me, 200, shapes.PersonShape
    ),
    Operation(
        "POST", "/personal-tokens", "createPersonalToken", "Create a personal token",
        "Skapa en personlig token", "people", accounts.create_token, 201, shapes.CreatedPersonalToken,
        takes=shapes.NewPersonalToken, door=Door.OPEN, work=Work.NONE,
        refusals=(errors.NotSignedIn, errors.CrossSite, errors.Conflict, errors.TooManyTries),
    ),
    Operation(
        "GET", "/personal-tokens", "listPersonalTokens", "List your personal tokens",
        "Lista dina personliga token", "people", accounts.tokens, 200, listings.PersonalTokenListing,
        query=PageQuery,
    ),
    Operation(
        "GET", "/personal-tokens/{tokenId}", "getPersonalToken", "Show one of your personal tokens",
        "Visa en av dina personliga token", "people", accounts.get_token, 200, shapes.PersonalTokenShape,
        refusals=(errors.NotFound,),
    ),
    Operation(
        "DELETE", "/personal-tokens/{tokenId}", "revokePersonalToken", "Revoke a personal token",
        "Återkalla en personlig token", "people", accounts.revoke_token, 204, None, work=Work.WRITE,
        refusals=(errors.CrossSite, errors.NotFound),
    ),
    Operation(
        "GET", "/sessions", "listSessions", "List where you are signed in", "Lista var du är inloggad", "people",
        invitations.sessions, 200, listings.SessionListing, query=PageQuery,
    ),
    Operation(
        "DELETE", "/sessions/{sessionId}", "endSession", "End one of your sessions",
        "Avsluta en av dina inloggningar", "people", invitations.end_session, 204, None, work=Work.WRITE,
        refusals=(errors.CrossSite, errors.NotFound),
    ),
    Operation(
        "DELETE", "/sessions", "endSessions", "Sign out everywhere", "Logga ut överallt", "people",
        invitations.end_sessions, 204, None, work=Work.WRITE, refusals=(errors.CrossSite,),
    ),
    Operation(
        "POST", "/invitations/accept", "acceptInvitation", "Accept an invitation", "Tacka ja till en inbjudan",
        "people", invitations.accept, 200, shapes.OrganisationShape, takes=shapes.InvitationAnswer,
        work=Work.WRITE, refusals=(errors.Forbidden, errors.Conflict),
    ),
)  # fmt: skip

ORGANISATIONS: tuple[Operation, ...] = (
    Operation(
        "POST", "/organisations", "createOrganisation", "Create an organisation", "Skapa en organisation",
        "organisations", organisations.create, 201, shapes.OrganisationShape, takes=shapes.NewOrganisation,
        work=Work.WRITE, refusals=(errors.Forbidden, errors.Conflict),
    ),
    Operation(
        "GET", "/organisations", "listOrganisations", "List your organisations", "Lista dina organisationer",
        "organisations", organisations.every, 200, listings.OrganisationListing, query=PageQuery,
    ),
    Operation(
        "GET", _ORGANISATION, "getOrganisation", "Show an organisation", "Visa en organisation",
        "organisations", organisations.get, 200, shapes.OrganisationShape, refusals=_FOUND,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/members", "listMembers", "List members", "Lista medlemmar", "organisations",
        organisations.members, 200, listings.MemberListing, query=PageQuery, refusals=_FOUND,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/members", "addMember", "Add a member", "Lägg till en medlem",
        "organisations", organisations.add_member, 201, shapes.MemberShape, takes=shapes.NewMember,
        work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/members/{{personId}}", "getMember", "Show a member", "Visa en medlem",
        "organisations", organisations.get_member, 200, shapes.MemberShape, refusals=_FOUND,
    ),
    Operation(
        "DELETE", f"{_ORGANISATION}/members/{{personId}}", "removeMember", "Remove a member",
        "Ta bort en medlem", "organisations", organisations.remove_member, 204, None, work=Work.WRITE,
        refusals=_STEP,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/members/{{personId}}/role", "changeRole", "Change a member's role",
        "Ändra en medlems roll", "organisations", invitations.change_role, 200, shapes.MemberShape,
        takes=shapes.NewRole, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/invitations", "createInvitation", "Invite somebody by letter",
        "Bjud in någon med brev", "organisations", invitations.create, 201, shapes.InvitationShape,
        takes=shapes.NewMember, work=Work.NONE, refusals=_STEP,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/invitations", "listInvitations", "List invitations that wait",
        "Lista inbjudningar som väntar", "organisations", invitations.every, 200, listings.InvitationListing,
        query=PageQuery, refusals=_FOUND,
    ),
    Operation(
        "DELETE", f"{_ORGANISATION}/invitations/{{invitationId}}", "withdrawInvitation",
        "Withdraw an invitation", "Ta tillbaka en inbjudan", "organisations", invitations.withdraw, 204, None,
        work=Work.WRITE, refusals=_FOUND,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/disable", "disableOrganisation", "Stop all of an organisation's apps",
        "Stäng av en organisation", "operations", organisations.disable, 200, shapes.Confirmed,
        door=Door.OPERATOR, work=Work.WRITE, refusals=_FOUND,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/enable", "enableOrganisation", "Let an organisation's apps run again",
        "Öppna en avstängd organisation", "operations", organisations.enable, 200, shapes.Confirmed,
        door=Door.OPERATOR, work=Work.WRITE, refusals=_FOUND,
    ),
)  # fmt: skip

APPS: tuple[Operation, ...] = (
    Operation(
        "POST", f"{_ORGANISATION}/apps", "createApp", "Create an app", "Skapa en app", "apps", apps.create,
        201, shapes.AppShape, takes=shapes.NewApp, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/apps", "listApps", "List apps", "Lista appar", "apps", apps.every, 200,
        listings.AppListing, query=PageQuery, refusals=_FOUND,
    ),
    Operation("GET", _APP, "getApp", "Show an app", "Visa en app", "apps", apps.get, 200, shapes.AppShape,
              refusals=_FOUND),
    Operation(
        "DELETE", _APP, "deleteApp", "Delete an app with its credentials and subscriptions",
        "Ta bort en app med dess hemligheter och prenumerationer", "apps", apps.delete, 204, None,
        work=Work.WRITE, refusals=_STEP,
    ),
    Operation("GET", f"{_APP}/client", "getClient", "Show an app as OAuth client", "Visa en app som OAuth-klient",
              "apps", clients.get, 200, clients.ClientShape, refusals=_FOUND),
    Operation(
        "PUT", f"{_APP}/client", "replaceClient", "How an app proves itself, and where it is answered",
        "Hur en app legitimerar sig och vart den får svar", "apps", clients.put, 200, clients.ClientShape,
        takes=clients.NewClient, work=Work.WRITE, refusals=(*_STEP, errors.Invalid),
    ),
    Operation(
        "POST", f"{_APP}/suspend", "suspendApp", "Suspend an app", "Spärra en app", "operations",
        apps.suspend, 200, shapes.AppShape, door=Door.OPERATOR, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "POST", f"{_APP}/resume", "resumeApp", "Resume a suspended app", "Häv en spärr", "operations",
        apps.resume, 200, shapes.AppShape, door=Door.OPERATOR, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "POST", f"{_APP}/credentials", "createCredential", "Create a client secret, shown once",
        "Skapa en klienthemlighet som visas en gång", "apps", apps.create_credential, 201,
        shapes.CreatedCredential, takes=shapes.NewCredential, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "GET", f"{_APP}/credentials", "listCredentials", "List credentials, never their secrets",
        "Lista hemligheter utan att visa dem", "apps", apps.credentials_of, 200,
        listings.CredentialListing, query=PageQuery, refusals=_FOUND,
    ),
    Operation(
        "GET", f"{_APP}/credentials/{{credentialId}}", "getCredential", "Show a credential, never its secret",
        "Visa uppgifter om en hemlighet", "apps", apps.get_credential, 200, shapes.CredentialShape,
        refusals=_FOUND,
    ),
    Operation(
        "DELETE", f"{_APP}/credentials/{{credentialId}}", "revokeCredential",
        "End a secret and the app's tokens now", "Avsluta en hemlighet och appens token nu", "apps",
        apps.revoke_credential, 204, None, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "POST", f"{_APP}/rotations", "rotateCredentials", "A new secret; the old ones end after an overlap",
        "Ny hemlighet; de gamla upphör efter ett överlapp", "apps", apps.rotate, 201,
        shapes.CreatedCredential, takes=shapes.Rotation, work=Work.WRITE, refusals=_STEP,
    ),
)  # fmt: skip

SUBSCRIPTIONS: tuple[Operation, ...] = (
    Operation(
        "POST", f"{_APP}/subscriptions", "requestSubscription", "Subscribe an app to an API on a plan",
        "Prenumerera på ett API med en plan", "subscriptions", subscriptions.request, 201,
        shapes.SubscriptionShape, takes=shapes.NewSubscription, work=Work.WRITE, refusals=(*_FOUND, *_RULES),
    ),
    Operation(
        "GET", f"{_APP}/subscriptions", "listAppSubscriptions", "List an app's subscriptions",
        "Lista en apps prenumerationer", "subscriptions", subscriptions.of_app, 200,
        listings.SubscriptionListing, query=PageQuery, refusals=_FOUND,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/subscriptions", "listOrganisationSubscriptions",
        "List an organisation's subscriptions", "Lista en organisations prenumerationer", "subscriptions",
        subscriptions.of_organisation, 200, listings.SubscriptionListing, query=PageQuery, refusals=_FOUND,
    ),
    Operation(
        "GET", f"{_ORGANISATION}/subscriptions/{{subscriptionId}}", "getSubscription", "Show a subscription",
        "Visa en prenumeration", "subscriptions", subscriptions.get, 200, shapes.SubscriptionShape,
        refusals=_FOUND,
    ),
    Operation(
        "POST", f"{_ORGANISATION}/subscriptions/{{subscriptionId}}/close", "closeSubscription",
        "Close a subscription", "Avsluta en prenumeration", "subscriptions", subscriptions.close, 200,
        shapes.SubscriptionShape, work=Work.WRITE, refusals=_STEP,
    ),
    Operation(
        "GET", "/subscriptions", "listPendingSubscriptions", "List requests that wait for a decision",
        "Lista ansökningar som väntar på beslut", "operations", subscriptions.pending, 200,
        listings.SubscriptionListing, query=subscriptions.StateQuery, door=Door.OPERATOR,
        refusals=(errors.Forbidden,),
    ),
    *(
        Operation(
            "POST", f"/subscriptions/{{subscriptionId}}/{event}", f"{event}Subscription", english, swedish,
            "operations", handler, 200, shapes.SubscriptionShape, door=Door.OPERATOR, work=Work.WRITE,
            refusals=_STEP,
        )
        for event, english, swedish, handler in (
            ("approve", "Approve a request", "Godkänn en ansökan", subscriptions.approve),
            ("decline", "Decline a request", "Avslå en ansökan", subscriptions.decline),
            ("suspend", "Suspend a subscription", "Pausa en prenumeration", subscriptions.suspend),
            ("resume", "Resume a subscription", "Återuppta en prenumeration", subscriptions.resume),
        )
    ),
    Operation(
        "POST", "/subscriptions/{subscriptionId}/close", "closeAnySubscription",
        "Close any organisation's subscription", "Avsluta en prenumeration hos vem som helst", "operations",
        subscriptions.close_any, 200, shapes.SubscriptionShape, door=Door.OPERATOR, work=Work.WRITE,
        refusals=_STEP,
    ),
)  # fmt: skip

FOLLOWING: tuple[Operation, ...] = (
    Operation(
        "POST", "/revocations", "revokeToken", "Revoke an access token", "Återkalla en åtkomsttoken",
        "tokens", tokens.revoke, 200, shapes.RevocationShape, takes=shapes.NewRevocation, work=Work.WRITE,
        refusals=_FOUND,
    ),
    Operation(
        "GET", "/usage", "getUsage", "Usage figures from the ledger", "Användning enligt liggaren", "usage",
        usage.figures, 200, usage.FigureListing, query=usage.UsageQuery, refusals=_FOUND,
    ),
    Operation(
        "GET", "/audit-entries", "listAuditEntries", "Audit entries, newest first",
        "Poster i granskningsloggen, nyast först", "audit", usage.entries, 200, usage.AuditListing,
        query=usage.AuditQuery, refusals=_FOUND,
    ),
    Operation(
        "GET", "/audit-verification", "verifyAudit", "Walk the audit log's hash chain",
        "Kontrollera granskningsloggens kedja", "audit", usage.verify, 200, usage.VerifiedShape,
        door=Door.OPERATOR, refusals=(errors.Forbidden,),
    ),
    Operation(
        "POST", "/cache/purge", "purgeCache", "Drop kept answers in every edge process",
        "Släng sparade svar i varje kantprocess", "operations", kept_answers.purge, 200, shapes.Confirmed,
        takes=shapes.NewPurge, door=Door.OPERATOR, work=Work.WRITE, refusals=(errors.Forbidden,),
    ),
    Operation(
        "GET", "/apis", "listApis", "List published APIs", "Lista publicerade API:er", "catalogue",
        catalogue.apis, 200, catalogue.ApiListing, query=PageQuery, door=Door.OPEN, work=Work.NONE,
    ),
    Operation(
        "GET", "/apis/{api}/{version}", "getApi", "Show a published API", "Visa ett publicerat API",
        "catalogue", catalogue.api, 200, catalogue.ApiDetails, door=Door.OPEN, work=Work.NONE,
        refusals=(errors.NotFound,),
    ),
    Operation(
        "GET", "/plans", "listPlans", "List the plans", "Lista planerna", "catalogue", catalogue.plans, 200,
        catalogue.PlanListing, query=PageQuery, door=Door.OPEN, work=Work.NONE,
    ),
)  # fmt: skip

TABLE: tuple[Operation, ...] = (*PEOPLE, *ORGANISATIONS, *APPS, *SUBSCRIPTIONS, *FOLLOWING)
