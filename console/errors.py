"""Every reason for which the control plane says no, as one tree.

Owns the classes and their public sentences; `console.statuses` alone knows HTTP status.

    ConsoleError
    ├── Unreadable              the message itself cannot be taken
    │   ├── UnsupportedMedia
    │   ├── TooLarge
    │   ├── MalformedJson
    │   └── UnknownParameter
    ├── Invalid                 understood, but one or more fields are wrong (carries `fields`)
    ├── NotSignedIn
    │   ├── WrongPassword
    │   ├── WrongCode           a second factor that is wrong or used up
    │   ├── PasskeyRefused
    │   ├── SignInOver          the sign-in that waited for a second factor has ended
    │   ├── SignInTooOld        the act demands that the person has just proved who they are
    │   ├── VouchingRefused     another provider's word for a person that does not hold
    │   │   ├── LevelTooLow
    │   │   ├── IdentityUnknown
    │   │   └── ProviderFault
    │   └── TooManyTries        (carries `retry_after`)
    ├── CrossSite               a mutation that did not come from our own pages
    ├── Forbidden               the object is visible, the act is not allowed
    │   ├── OperatorOnly
    │   ├── AboveOwnRights      a role with more rights than one's own cannot be given
    │   ├── AnothersInvitation
    │   └── SecondFactorDemanded
    ├── NotFound                absent, or another organisation's: told apart by nothing
    ├── MethodNotAllowed        (carries `allowed`)
    ├── Conflict                allowed, but not in the object's present state
    │   ├── AlreadyTaken
    │   ├── AlreadySubscribed
    │   ├── TransitionRefused
    │   ├── AppNotActive
    │   ├── OrganisationDisabled
    │   ├── IdentityTaken
    │   ├── LastOwner
    │   ├── LinkOver            a link or an invitation that is used, withdrawn or too old
    │   └── TooMany
    ├── AgainstRules            the catalogue or a plan forbids it
    │   ├── ApiUnknown
    │   ├── ApiNotCallable
    │   ├── ApiNotInEnvironment
    │   ├── PlanNotOffered
    │   ├── PlanNotInEnvironment
    │   └── PlanNotForOrganisation
    ├── Unavailable             the database does not answer (carries `retry_after`)
    └── Internal                a fault of ours

`code` is stable and part of the outside contract. `str(error)` is the private detail: it may reach our log,
never an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field. `name` is the field's own name in the caller's form or JSON body."""

    name: str
    code: str
    sv: str
    en: str

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.sv


class ConsoleError(Exception):
    """Base. `audited` says whether a refusal for this reason leaves an entry in the audit log."""

    code: ClassVar[str] = "error"
    sv: ClassVar[str] = "Begäran kunde inte utföras."
    en: ClassVar[str] = "The request could not be carried out."
    audited: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, fields: Sequence[FieldFault] = ()) -> None:
        super().__init__(detail)
        self.fields = tuple(fields)

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.sv


class Unreadable(ConsoleError):
    code = "unreadable"
    sv = "Begäran går inte att läsa."
    en = "The request cannot be read."


class UnsupportedMedia(Unreadable):
    code = "unsupported-media-type"
    sv = "Innehållet ska vara application/json."
    en = "The content must be application/json."


class TooLarge(Unreadable):
    code = "body-too-large"
    sv = "Innehållet är för stort."
    en = "The content is too large."


class MalformedJson(Unreadable):
    code = "malformed-json"
    sv = "Innehållet är inte giltig JSON enligt våra gränser."
    en = "The content is not valid JSON within our limits."


class UnknownParameter(Unreadable):
    code = "unknown-parameter"
    sv = "En frågeparameter är okänd, upprepad eller har fel värde."
    en = "A query parameter is unknown, repeated or has a wrong value."


class Invalid(ConsoleError):
    code = "invalid-fields"
    sv = "Ett eller flera fält är fel."
    en = "One or more fields are wrong."


class NotSignedIn(ConsoleError):
    code = "not-signed-in"
    sv = "Du behöver logga in."
    en = "You need to sign in."


class WrongPassword(NotSignedIn):
    code = "wrong-credentials"
    sv = "E-postadressen och lösenordet hör inte ihop."
    en = "The e-mail address and the password do not match."


class WrongCode(NotSignedIn):
    code = "wrong-code"
    sv = "Koden är fel eller redan använd. Vänta på nästa kod och försök igen."
    en = "The code is wrong or already used. Wait for the next code and try again."


class PasskeyRefused(NotSignedIn):
    code = "passkey-refused"
    sv = "Passkeyn kunde inte användas här. Försök igen, eller logga in på ett annat sätt."
    en = "The passkey could not be used here. Try again, or sign in another way."


class SignInOver(NotSignedIn):
    code = "sign-in-over"
    sv = "Inloggningen tog för lång tid eller hade för många fel. Börja om."
    en = "The sign-in took too long or had too many faults. Start again."


class SignInTooOld(NotSignedIn):
    code = "sign-in-too-old"
    sv = "Logga in igen innan du ändrar hur du loggar in."
    en = "Sign in again before you change how you sign in."


class VouchingRefused(NotSignedIn):
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


class ProviderFault(VouchingRefused):
    code = "provider-fault"
    sv = "Den andra tjänsten svarar inte som den ska. Försök igen om en stund."
    en = "The other service does not answer as it must. Try again in a moment."


class TooManyTries(NotSignedIn):
    code = "too-many-tries"
    sv = "För många försök. Vänta en stund och försök igen."
    en = "Too many tries. Wait a while and try again."

    def __init__(self, detail: str = "", *, retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class CrossSite(ConsoleError):
    code = "cross-site"
    sv = "Begäran kom inte från våra egna sidor. Ladda om sidan och försök igen."
    en = "The request did not come from our own pages. Reload the page and try again."
    audited = True


class Forbidden(ConsoleError):
    code = "role-forbids"
    sv = "Din roll i organisationen tillåter inte detta."
    en = "Your role in the organisation does not allow this."
    audited = True


class OperatorOnly(Forbidden):
    code = "operator-only"
    sv = "Detta får bara plattformens drift göra."
    en = "Only the platform's operators may do this."


class AboveOwnRights(Forbidden):
    code = "above-own-rights"
    sv = "Du kan inte ge en roll som får mer än du själv."
    en = "You cannot give a role that may do more than you."


class AnothersInvitation(Forbidden):
    code = "anothers-invitation"
    sv = "Inbjudan gäller en annan e-postadress än den du är inloggad med."
    en = "The invitation is for another e-mail address than the one you are signed in with."


class SecondFactorDemanded(Forbidden):
    code = "second-factor-required"
    sv = "Din roll kräver två steg vid inloggningen. Lägg till ett andra steg under Säkerhet."
    en = "Your role requires two steps at sign-in. Add a second step under Security."


class NotFound(ConsoleError):
    code = "not-found"
    sv = "Det du söker finns inte."
    en = "What you are looking for does not exist."


class MethodNotAllowed(ConsoleError):
    code = "method-not-allowed"
    sv = "Metoden används inte på den här adressen."
    en = "The method is not used at this address."

    def __init__(self, detail: str = "", *, allowed: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.allowed = tuple(allowed)


class Conflict(ConsoleError):
    code = "conflict"
    sv = "Det går inte i det läge som råder nu."
    en = "This is not possible in the present state."


class AlreadyTaken(Conflict):
    code = "already-taken"
    sv = "Uppgiften är redan registrerad."
    en = "This is already registered."


class AlreadySubscribed(Conflict):
    code = "already-subscribed"
    sv = "Appen har redan en prenumeration på detta API."
    en = "The app already has a subscription to this API."


class TransitionRefused(Conflict):
    code = "transition-refused"
    sv = "Steget är inte möjligt i prenumerationens eller appens nuvarande läge."
    en = "The step is not possible in the present state of the subscription or app."


class AppNotActive(Conflict):
    code = "app-not-active"
    sv = "Appen är spärrad eller borttagen."
    en = "The app is suspended or deleted."


class OrganisationDisabled(Conflict):
    code = "organisation-disabled"
    sv = "Organisationen är avstängd."
    en = "The organisation is disabled."


class LastOwner(Conflict):
    code = "last-owner"
    sv = "En organisation måste ha minst en ägare."
    en = "An organisation must have at least one owner."


class IdentityTaken(Conflict):
    code = "identity-taken"
    sv = "Den inloggningen är redan kopplad till ett konto."
    en = "That sign-in is linked to an account already."


class LinkOver(Conflict):
    code = "link-over"
    sv = "Länken har redan använts eller är för gammal. Be om en ny."
    en = "The link has been used or is too old. Ask for a new one."


class TooMany(Conflict):
    code = "too-many"
    sv = "Gränsen för antalet är nådd. Ta bort något först."
    en = "The limit for how many there may be is reached. Remove one first."


class AgainstRules(ConsoleError):
    code = "against-rules"
    sv = "Katalogens regler tillåter inte detta."
    en = "The rules of the catalogue do not allow this."


class ApiUnknown(AgainstRules):
    code = "api-unknown"
    sv = "API:et finns inte i katalogen."
    en = "The API is not in the catalogue."


class ApiNotCallable(AgainstRules):
    code = "api-not-callable"
    sv = "API-versionen är avvecklad och tar inte emot nya prenumerationer."
    en = "The API version is retired and takes no new subscriptions."


class ApiNotInEnvironment(AgainstRules):
    code = "api-not-in-environment"
    sv = "API:et finns inte i appens miljö."
    en = "The API does not exist in the app's environment."


class PlanNotOffered(AgainstRules):
    code = "plan-not-offered"
    sv = "API:et erbjuder inte den planen."
    en = "The API does not offer this plan."


class PlanNotInEnvironment(AgainstRules):
    code = "plan-not-in-environment"
    sv = "Planen gäller inte i appens miljö."
    en = "The plan does not apply to the app's environment."


class PlanNotForOrganisation(AgainstRules):
    code = "plan-not-for-organisation"
    sv = "Planen är inte öppen för den här typen av organisation."
    en = "The plan is not open to this type of organisation."


class Unavailable(ConsoleError):
    code = "storage-unavailable"
    sv = "Tjänsten svarar inte just nu. Försök igen om en stund."
    en = "The service does not answer right now. Try again in a moment."
    retry_after = 2


class Internal(ConsoleError):
    code = "internal-error"
    sv = "Något gick fel hos oss. Ange begärans id när du hör av dig."
    en = "Something went wrong on our side. Quote the request id when you contact us."
