"""The errors of this package, one tree. HTTP status is not decided here, but by who renders them.

AuthError
├── Unauthenticated            the caller has not shown who it is (`bearer_error`: RFC 6750, 3.1)
│   ├── MissingToken           no Authorization, or another scheme than Bearer
│   ├── MalformedAuthorization not `Bearer` SP b64token; `invalid_request`
│   │   └── TokenInQuery       also or only in the address, where logs and histories keep it
│   └── InvalidToken           `invalid_token`
│       ├── MalformedToken     not the form our issuer writes
│       ├── ForeignToken       not signed by a key of ours, or another issuer
│       ├── WrongTokenType     a JWT, but no access token
│       ├── WrongAudience      meant for another receiver
│       ├── ExpiredToken
│       ├── NotYetValidToken   `nbf` or `iat` in the future
│       ├── BoundToken         `cnf`: needs its proof, so it is no bearer token
│       ├── RevokedToken       by `jti`, or issued before the app's tokens were revoked
│       ├── UnknownApp
│       ├── AppSuspended
│       └── OrganisationDisabled
├── Forbidden                  known, but may not
│   ├── MissingScope           `scopes`: what the operation demands
│   ├── NoSubscription
│   ├── SubscriptionSuspended  it exists, but is not active
│   └── WrongEnvironment       sandbox credentials in production, or the other way
├── KeyTrouble                 our own keys; never the caller's fault
│   ├── UnusableKey            a stored key cannot be read: wrong master key or damaged
│   ├── ExposedMasterKey       the master key's file may be read by others
│   ├── NoSigningKey           no key is active
│   └── ForbiddenTransition    a key cannot go from its state by that event
├── UnacceptableOverlap        a rotation's overlap is negative or too long
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

BearerError = Literal["invalid_request", "invalid_token", "insufficient_scope"]


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
    code = "bound-token"
    sv = "Åtkomsttoken är bunden till en nyckel och kan inte användas som Bearer."
    en = "The access token is bound to a key and cannot be used as Bearer."


class RevokedToken(InvalidToken):
    code = "revoked-token"
    sv = "Åtkomsttoken är återkallad."
    en = "The access token has been revoked."


class UnknownApp(InvalidToken):
    code = "unknown-app"
    sv = "Appen som åtkomsttoken gäller finns inte."
    en = "The app that the access token belongs to does not exist."


class AppSuspended(InvalidToken):
    code = "app-suspended"
    sv = "Appen är avstängd."
    en = "The app is suspended."


class OrganisationDisabled(InvalidToken):
    code = "organisation-disabled"
    sv = "Organisationen är avstängd."
    en = "The organisation is disabled."


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
