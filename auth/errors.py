"""The errors of this package, one tree. HTTP status is not decided here, but by who renders them.

AuthError
├── Unauthenticated            the caller has not shown who it is (`bearer_error`: RFC 6750, 3.1)
│   ├── MissingToken           no Authorization, or another scheme than Bearer
│   ├── MalformedAuthorization not `Bearer` SP b64token; `invalid_request`
│   │   └── TokenInQuery       also or only in the address, where logs and histories keep it
│   ├── InvalidToken           `invalid_token`
│   │   ├── MalformedToken     not the form our issuer writes
│   │   ├── ForeignToken       not signed by a key of ours, or another issuer
│   │   ├── WrongTokenType     a JWT, but no access token
│   │   ├── WrongAudience      meant for another receiver
│   │   ├── ExpiredToken
│   │   ├── NotYetValidToken   `nbf` or `iat` in the future
│   │   ├── BoundToken         `cnf`: needs its proof, so it is no bearer token; `principal` is who it would be
│   │   ├── UnboundToken       shown as DPoP, but bound to no key
│   │   ├── ForeignCertificate bound to another certificate than the connection's, or there is none
│   │   ├── RevokedToken       by `jti`, or issued before the app's tokens were revoked
│   │   ├── UnknownApp
│   │   ├── UnknownApiKey      unknown, ended or mistyped
│   │   ├── AppSuspended
│   │   ├── OrganisationDisabled
│   │   └── InvalidProof       a DPoP proof, key or assertion that is not what it must be; `detail` may be told
│   │       ├── MissingProof
│   │       ├── ProofOfAnotherCall  `htm`, `htu` or `ath`
│   │       ├── ProofOutOfTime
│   │       └── ReusedProof
│   └── InsufficientUserAuthentication  a person must sign in at a higher level, or anew (RFC 9470)
├── RefusedAddress             an address somebody named that we do not call, or that does not answer as it must
├── UnprovedAssertion          a client assertion that no key of its client has signed
├── ProofsUnavailable          whether a proof was used before cannot be known now
├── Forbidden                  known, but may not
│   ├── MissingScope           `scopes`: what the operation demands
│   ├── ApiKeyNotAccepted  the API takes tokens alone
│   ├── NoSubscription
│   ├── SubscriptionSuspended  it exists, but is not active
│   └── WrongEnvironment       sandbox credentials in production, or the other way
├── KeyTrouble                 our own keys; never the caller's fault
│   ├── UnusableKey            a stored key cannot be read: wrong master key or damaged
│   ├── ExposedMasterKey       the master key's file may be read by others
│   ├── NoSigningKey           no key is active
│   └── ForbiddenTransition    a key cannot go from its state by that event
├── UnacceptableOverlap        a rotation's overlap is negative or too long
├── Unanswerable               an authorization request whose client or address is not known: a page, never a redirect
│   ├── UnreadableRequest      not a query in UTF-8, too long, client or address twice
│   ├── UnknownClient          unknown, suspended, or its organisation disabled
│   ├── WrongRedirectUri       missing or not registered
│   └── SpentRequest           a `request_uri` that is unknown, another client's, expired or used
└── PersonError                people: sign-up, sign-in, sessions
    ├── UnacceptableEmail
    ├── WeakPassword
    │   ├── PasswordTooShort
    │   ├── PasswordTooLong
    │   ├── PasswordTooCommon
    │   └── PasswordHoldsEmail
    ├── EmailTaken
    ├── SignInRefused          one answer for wrong password, unknown and disabled account
    ├── CodeRefused            a second factor that is wrong or used up
    ├── PasskeyRefused         an answer that no passkey of ours gave to the question that was asked
    ├── SignInOver             the sign-in that waited for a second factor has ended
    ├── StepRefused            a sign-in has no such step
    ├── FactorInUse            the account has such a second factor already
    ├── LinkOver               a link sent by mail that is used, too old or none
    ├── NothingToConfirm       no such second factor is there
    ├── VouchingRefused        what another provider sent back does not hold
    │   ├── LevelTooLow        it vouches, but below the level that was demanded
    │   ├── IdentityUnknown    no account here is linked to the identity
    │   └── IdentityTaken      an account is linked to it already
    ├── ProviderFault          the provider does not answer, or not as it must
    └── TooManyAttempts        `retry_after` seconds

`code` is stable and public, as are the sentences `sv` and `en`. `detail` is private: for logs, never for
the caller, and never holds a token, a secret or a claim's value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from auth.principal import Principal

BearerError = Literal[
    "invalid_request", "invalid_token", "insufficient_scope", "insufficient_user_authentication"
]


class AuthError(Exception):
    """The root: every refusal and fault of this package."""

    code: ClassVar[str] = "auth-error"
    sv: ClassVar[str] = "Åtkomsten kunde inte prövas."
    en: ClassVar[str] = "Access could not be decided."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class Unauthenticated(AuthError):
    """The caller has not shown who it is."""

    code = "unauthenticated"
    sv = "Anropet saknar giltig legitimering."
    en = "The call carries no valid proof of who is calling."
    bearer_error: ClassVar[BearerError | None] = "invalid_token"


class MissingToken(Unauthenticated):
    code = "missing-token"
    sv = "Anropet saknar åtkomsttoken. Skicka den som Authorization: Bearer."
    en = "The call carries no access token. Send it as Authorization: Bearer."
    bearer_error = None  # RFC 6750, 3.1: no error code when nothing was presented


class MalformedAuthorization(Unauthenticated):
    code = "malformed-authorization"
    sv = "Huvudet Authorization har fel form. Det ska vara Bearer, ett mellanslag och token."
    en = "The Authorization header is malformed. It must be Bearer, one space and the token."
    bearer_error = "invalid_request"


class TokenInQuery(MalformedAuthorization):
    code = "token-in-query"
    sv = "Åtkomsttoken får inte stå i adressen. Skicka den som Authorization: Bearer."
    en = "An access token may not stand in the address. Send it as Authorization: Bearer."


class InvalidToken(Unauthenticated):
    code = "invalid-token"
    sv = "Åtkomsttoken är inte giltig."
    en = "The access token is not valid."


class MalformedToken(InvalidToken):
    code = "malformed-token"
    sv = "Åtkomsttoken har fel form."
    en = "The access token is malformed."


class ForeignToken(InvalidToken):
    code = "foreign-token"
    sv = "Åtkomsttoken är inte utfärdad av den här plattformen."
    en = "The access token was not issued by this platform."


class WrongTokenType(InvalidToken):
    code = "wrong-token-type"
    sv = "Det som skickades är inte en åtkomsttoken."
    en = "What was sent is not an access token."


class WrongAudience(InvalidToken):
    code = "wrong-audience"
    sv = "Åtkomsttoken är utfärdad för en annan mottagare."
    en = "The access token was issued for another receiver."


class ExpiredToken(InvalidToken):
    code = "expired-token"
    sv = "Åtkomsttoken har gått ut. Hämta en ny."
    en = "The access token has expired. Request a new one."


class NotYetValidToken(InvalidToken):
    code = "token-not-yet-valid"
    sv = "Åtkomsttoken gäller inte ännu."
    en = "The access token is not valid yet."


class BoundToken(InvalidToken):
    """Whoever can check the proof goes on with `principal`; whoever cannot has refused the token."""

    code = "bound-token"
    sv = "Åtkomsttoken är bunden till en nyckel och kan inte användas som Bearer utan bevis på nyckeln."
    en = "The access token is bound to a key and cannot be used as Bearer without proof of the key."

    def __init__(self, principal: Principal | None = None) -> None:
        self.principal = principal
        super().__init__()


class UnboundToken(InvalidToken):
    code = "unbound-token"
    sv = "Åtkomsttoken är inte bunden till någon nyckel. Skicka den som Authorization: Bearer."
    en = "The access token is not bound to any key. Send it as Authorization: Bearer."


class ForeignCertificate(InvalidToken):
    code = "foreign-certificate"
    sv = "Åtkomsttoken är bunden till ett annat klientcertifikat än det som anslutningen visade."
    en = "The access token is bound to another client certificate than the one the connection showed."


class InvalidProof(InvalidToken):
    """`detail` is one of our own fixed sentences and holds nothing that was sent, so the sender may be told."""

    code = "invalid-proof"
    sv = "DPoP-beviset är inte giltigt. Skicka ett bevis, undertecknat med nyckeln som token är bunden till."
    en = "The DPoP proof is not valid. Send one proof, signed with the key that the token is bound to."


class MissingProof(InvalidProof):
    code = "missing-proof"
    sv = "Åtkomsttoken är bunden till en nyckel. Skicka den som Authorization: DPoP med ett bevis i huvudet DPoP."
    en = "The access token is bound to a key. Send it as Authorization: DPoP with a proof in the header DPoP."


class ProofOfAnotherCall(InvalidProof):
    code = "proof-of-another-call"
    sv = "DPoP-beviset gäller ett annat anrop: htm, htu eller ath stämmer inte."
    en = "The DPoP proof is for another call: its htm, htu or ath is not this call's."


class ProofOutOfTime(InvalidProof):
    code = "proof-out-of-time"
    sv = "DPoP-bevisets iat ligger för långt från klockan här. Gör ett nytt bevis för varje anrop."
    en = "The DPoP proof's iat is too far from the time here. Make a new proof for each call."


class ReusedProof(InvalidProof):
    code = "reused-proof"
    sv = "DPoP-beviset är redan använt. Gör ett nytt bevis, med ny jti, för varje anrop."
    en = "The DPoP proof has been used before. Make a new proof, with a new jti, for each call."


class RevokedToken(InvalidToken):
    code = "revoked-token"
    sv = "Åtkomsttoken är återkallad."
    en = "The access token has been revoked."


class UnknownApp(InvalidToken):
    code = "unknown-app"
    sv = "Appen som åtkomsttoken gäller finns inte."
    en = "The app that the access token belongs to does not exist."


class UnknownApiKey(InvalidToken):
    code = "unknown-api-key"
    sv = "API-nyckeln finns inte eller gäller inte längre."
    en = "The API key does not exist or is no longer valid."


class AppSuspended(InvalidToken):
    code = "app-suspended"
    sv = "Appen är avstängd."
    en = "The app is suspended."


class OrganisationDisabled(InvalidToken):
    code = "organisation-disabled"
    sv = "Organisationen är avstängd."
    en = "The organisation is disabled."


class RefusedAddress(AuthError):
    """`detail` is one of our own fixed sentences: whoever named the address may be told."""

    code = "refused-address"
    sv = "Adressen kan inte användas. Den ska börja med https://, leda till en publik adress och svara där."
    en = "The address cannot be used. It must begin with https://, lead to a public address and answer there."


class UnprovedAssertion(AuthError):
    """Whoever sent it is told nothing more than that it does not prove the client."""

    code = "unproved-assertion"
    sv = "Klienten kunde inte legitimeras."
    en = "The client could not be authenticated."


class ProofsUnavailable(AuthError):
    """Closed, whatever the plan says: a copied proof must not pass because a store is away."""

    code = "proofs-unavailable"
    sv = "Just nu går det inte att pröva om beviset är använt. Försök igen om en stund."
    en = "Whether the proof has been used cannot be checked right now. Try again in a moment."


class InsufficientUserAuthentication(Unauthenticated):
    """The token is good, but how its person signed in is not enough (RFC 9470, 3)."""

    code = "insufficient-user-authentication"
    sv = "API:et kräver att en person har loggat in säkrare, eller mer nyligen."
    en = "The API demands that a person has signed in at a higher level, or more recently."
    bearer_error = "insufficient_user_authentication"

    def __init__(self, acr: str = "", max_age: int | None = None) -> None:
        self.acr = acr  # what to ask the authorization server for
        self.max_age = max_age
        super().__init__()


class Forbidden(AuthError):
    """The caller is known, but may not do this."""

    code = "forbidden"
    sv = "Appen har inte rätt att göra anropet."
    en = "The app may not make this call."
    bearer_error: ClassVar[BearerError | None] = None


class MissingScope(Forbidden):
    code = "missing-scope"
    sv = "Åtkomsttoken saknar ett scope som anropet kräver."
    en = "The access token lacks a scope that the call requires."
    bearer_error = "insufficient_scope"

    def __init__(self, scopes: Iterable[str]) -> None:
        self.scopes = tuple(sorted(scopes))  # all the operation demands: RFC 6750, 3, `scope`
        super().__init__(" ".join(self.scopes))


class ApiKeyNotAccepted(Forbidden):
    code = "api-key-not-accepted"
    sv = "Det här API:et tar inte emot API-nycklar. Hämta en åtkomsttoken."
    en = "This API does not take API keys. Get an access token."


class NoSubscription(Forbidden):
    code = "no-subscription"
    sv = "Appen prenumererar inte på det här API:et."
    en = "The app does not subscribe to this API."


class SubscriptionSuspended(Forbidden):
    code = "subscription-not-active"
    sv = "Appens prenumeration på API:et är inte aktiv."
    en = "The app's subscription to this API is not active."


class WrongEnvironment(Forbidden):
    code = "wrong-environment"
    sv = "Appens uppgifter gäller en annan miljö än anropet."
    en = "The app's credentials belong to another environment than the call."


class KeyTrouble(AuthError):
    """Our own keys are the trouble, not the caller."""

    code = "key-trouble"
    sv = "Plattformens nycklar är inte i ordning."
    en = "The platform's keys are not in order."


class UnusableKey(KeyTrouble):
    code = "unusable-key"
    sv = "En lagrad nyckel går inte att läsa."
    en = "A stored key cannot be read."


class ExposedMasterKey(KeyTrouble):
    code = "exposed-master-key"
    sv = "Huvudnyckelns fil kan läsas av andra än sin ägare."
    en = "The master key's file can be read by others than its owner."


class NoSigningKey(KeyTrouble):
    code = "no-signing-key"
    sv = "Det finns ingen aktiv signeringsnyckel."
    en = "There is no active signing key."


class ForbiddenTransition(KeyTrouble):
    code = "forbidden-key-transition"
    sv = "Nyckeln kan inte byta tillstånd på det sättet."
    en = "The key cannot change state that way."


class UnacceptableOverlap(AuthError):
    code = "unacceptable-overlap"
    sv = "Överlappningen måste vara mellan 0 sekunder och 30 dygn."
    en = "The overlap must be between 0 seconds and 30 days."


class Unanswerable(AuthError):
    """An authorization request that is answered by a page of ours and by no redirect."""

    code = "authorization-request-refused"
    sv = "Appens begäran går inte att besvara."
    en = "The app's request cannot be answered."


class UnreadableRequest(Unanswerable):
    code = "unreadable-authorization-request"
    sv = "Appens begäran går inte att läsa. Felet är appens; hör av dig till den som gör appen."
    en = "The app's request cannot be read. The fault is the app's; contact whoever makes the app."


class UnknownClient(Unanswerable):
    code = "unknown-client"
    sv = "Appen är inte känd här, eller så är den avstängd."
    en = "The app is not known here, or it has been switched off."


class WrongRedirectUri(Unanswerable):
    code = "wrong-redirect-uri"
    sv = "Appen vill ha svaret skickat till en adress som inte är registrerad för den. Därför skickas inget."
    en = "The app wants the answer sent to an address that is not registered for it. So nothing is sent."


class SpentRequest(Unanswerable):
    code = "spent-authorization-request"
    sv = "Begäran är redan besvarad eller för gammal. Gå tillbaka till appen och börja om."
    en = "The request has been answered already or is too old. Go back to the app and start again."


class PersonError(AuthError):
    """Sign-up, sign-in and sessions of people."""

    code = "person-error"
    sv = "Åtgärden kunde inte utföras."
    en = "The action could not be carried out."


class UnacceptableEmail(PersonError):
    code = "unacceptable-email"
    sv = "E-postadressen har fel form."
    en = "The e-mail address is malformed."


class WeakPassword(PersonError):
    code = "weak-password"
    sv = "Välj ett annat lösenord."
    en = "Choose another password."


class PasswordTooShort(WeakPassword):
    code = "password-too-short"
    sv = "Lösenordet måste ha minst 12 tecken."
    en = "The password must have at least 12 characters."


class PasswordTooLong(WeakPassword):
    code = "password-too-long"
    sv = "Lösenordet får ha högst 256 tecken."
    en = "The password may have at most 256 characters."


class PasswordTooCommon(WeakPassword):
    code = "password-too-common"
    sv = "Lösenordet är för vanligt. Välj ett som ingen gissar."
    en = "The password is too common. Choose one that nobody guesses."


class PasswordHoldsEmail(WeakPassword):
    code = "password-holds-email"
    sv = "Lösenordet får inte innehålla e-postadressen."
    en = "The password must not contain the e-mail address."


class EmailTaken(PersonError):
    code = "email-taken"
    sv = "Det finns redan ett konto med den e-postadressen."
    en = "There is already an account with that e-mail address."


class SignInRefused(PersonError):
    code = "sign-in-refused"
    sv = "Fel e-postadress eller lösenord."
    en = "Wrong e-mail address or password."


class CodeRefused(PersonError):
    code = "code-refused"
    sv = "Koden är fel eller redan använd. Vänta på nästa kod och försök igen."
    en = "The code is wrong or already used. Wait for the next code and try again."


class PasskeyRefused(PersonError):
    code = "passkey-refused"
    sv = "Passkeyn kunde inte användas här. Försök igen, eller logga in på ett annat sätt."
    en = "The passkey could not be used here. Try again, or sign in another way."


class SignInOver(PersonError):
    code = "sign-in-over"
    sv = "Inloggningen tog för lång tid eller hade för många fel. Börja om."
    en = "The sign-in took too long or had too many faults. Start again."


class StepRefused(PersonError):
    code = "sign-in-step-refused"
    sv = "Inloggningen har inget sådant steg."
    en = "The sign-in has no such step."


class FactorInUse(PersonError):
    code = "factor-in-use"
    sv = "Kontot har redan engångskoder. Ta bort dem först om du har bytt telefon."
    en = "The account has one-time codes already. Remove them first if you have changed phones."


class LinkOver(PersonError):
    code = "link-over"
    sv = "Länken har redan använts eller är för gammal. Be om en ny."
    en = "The link has been used or is too old. Ask for a new one."


class NothingToConfirm(PersonError):
    code = "nothing-to-confirm"
    sv = "Det finns ingen sådan inloggningsmetod på kontot."
    en = "The account has no such way of signing in."


class VouchingRefused(PersonError):
    code = "vouching-refused"
    sv = "Inloggningen hos den andra tjänsten kunde inte godtas. Försök igen."
    en = "The sign-in at the other service could not be accepted. Try again."


class LevelTooLow(VouchingRefused):
    code = "level-too-low"
    sv = "Inloggningen hos den andra tjänsten var på en för låg tillitsnivå."
    en = "The sign-in at the other service was at too low a level of assurance."


class IdentityUnknown(VouchingRefused):
    code = "identity-unknown"
    sv = "Inget konto här är kopplat till den inloggningen. Logga in här och koppla den under Säkerhet."
    en = "No account here is linked to that sign-in. Sign in here and link it under Security."


class IdentityTaken(VouchingRefused):
    code = "identity-taken"
    sv = "Den inloggningen är redan kopplad till ett konto."
    en = "That sign-in is linked to an account already."


class ProviderFault(PersonError):
    code = "provider-fault"
    sv = "Den andra tjänsten svarar inte som den ska. Försök igen om en stund."
    en = "The other service does not answer as it must. Try again in a moment."


class TooManyAttempts(PersonError):
    code = "too-many-attempts"
    sv = "För många försök. Vänta en stund och försök igen."
    en = "Too many attempts. Wait a while and try again."

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"retry after {retry_after} s")
