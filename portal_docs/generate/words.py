"""Every fixed phrase of the generated pages, in both languages."""

from __future__ import annotations

from gateway.catalog.answers.values import Shared
from gateway.catalog.model import Environment, Family, Status, Text

WORDS = {
    "address": Text("Adress", "Address"),
    "all_scopes": Text("alla API:ets scopes", "all scopes of the API"),
    "all_errors": Text("Alla fel", "All errors"),
    "apis_none": Text("Inga API:er är publicerade ännu.", "No APIs are published yet."),
    "answer": Text("Svar", "Answer"),
    "answers": Text("Svar", "Answers"),
    "approval": Text("Godkännande", "Approval"),
    "apis": Text("API:er", "APIs"),
    "apis_lead": Text(
        "Allt som regionen erbjuder genom Sluss. Välj ett API för att se vad det gör, vad det kostar "
        "och hur du anropar det.",
        "Everything the region offers through Sluss. Choose an API to see what it does, what it costs "
        "and how to call it.",
    ),
    "at_end": Text("När kvoten är slut", "When the quota is used up"),
    "body": Text("Meddelandekropp", "Request body"),
    "cause": Text("Vad det betyder", "What it means"),
    "code": Text("Kod", "Code"),
    "contacts": Text("Kontakt", "Contact"),
    "contacts_none": Text("Ingen kontakt är angiven.", "No contact is given."),
    "counters_away": Text("När räknarna inte nås", "When the counters cannot be reached"),
    "create": Text("Skapa app och prenumerera", "Create an app and subscribe"),
    "cure": Text("Vad du gör", "What to do"),
    "default": Text("standard", "default"),
    "deprecated_op": Text("Operationen är på väg bort.", "This operation is on its way out."),
    "description": Text("Beskrivning", "Description"),
    "economic": Text("Ekonomi", "Economy"),
    "environments": Text("Miljö", "Environment"),
    "errors": Text("Fel", "Errors"),
    "errors_lead": Text(
        "Varje fel från Sluss är ett `application/problem+json` (RFC 9457) med en `code` som aldrig ändras. "
        "Fältet `type` är adressen till kodens sida här.",
        "Every error from Sluss is an `application/problem+json` (RFC 9457) with a `code` that never "
        "changes. The field `type` is the address of the code's page here.",
    ),
    "example": Text("Exempel", "Example"),
    "family": Text("Typ", "Kind"),
    "fee": Text("Avgift per månad", "Fee per month"),
    "field": Text("Fält", "Field"),
    "first_call": Text("Ditt första anrop", "Your first call"),
    "first_call_demo": Text(
        "Klistra in i en terminal. Exemplet använder sandlådans öppna demoapp och påhittade uppgifter.",
        "Paste into a terminal. The sample uses the sandbox's open demo app and made-up data.",
    ),
    "first_call_own": Text(
        "Sätt `CLIENT_ID` och `CLIENT_SECRET` till din egen app från konsolen och klistra in i en terminal.",
        "Set `CLIENT_ID` and `CLIENT_SECRET` to your own app from the console and paste into a terminal.",
    ),
    "free_sandbox": Text("gratis i sandlådan", "free in the sandbox"),
    "gateway_errors": Text(
        "Utöver svaren i listan kan Sluss självt svara med ett [felmeddelande](../../problems/index.md), "
        "till exempel när en token saknas eller en gräns är nådd.",
        "Besides the answers listed, Sluss itself may answer with an [error](../../problems/index.md), for "
        "example when a token is missing or a limit is reached.",
    ),
    "in": Text("Plats", "In"),
    "included": Text("Ingår per månad", "Included per month"),
    "legal": Text("Juridik", "Law"),
    "lang_own": Text("Svenska", "English"),
    "limits": Text("Gränser", "Limits"),
    "meaning": Text("Betydelse", "Meaning"),
    "method": Text("Metod", "Method"),
    "name": Text("Namn", "Name"),
    "needs": Text("Kräver", "Needs"),
    "no": Text("nej", "no"),
    "nothing_needed": Text("ingen scope", "no scope"),
    "openapi": Text("OpenAPI-dokument", "OpenAPI document"),
    "operation": Text("Operation", "Operation"),
    "operations": Text("Operationer", "Operations"),
    "organisations": Text("För vem", "For whom"),
    "parameters": Text("Parametrar", "Parameters"),
    "path": Text("Sökväg", "Path"),
    "per_day": Text("Per dygn", "Per day"),
    "per_month": Text("Per månad", "Per month"),
    "plan": Text("Plan", "Plan"),
    "plan_used_by": Text("Erbjuds av", "Offered by"),
    "plans": Text("Planer och priser", "Plans and prices"),
    "plans_lead": Text(
        "En plan säger vad det kostar och hur mycket du får anropa. Samma enhet räknas i gränsen och på "
        "fakturan. En publicerad version av en plan ändras aldrig: den som har tagit den behåller den.",
        "A plan says what it costs and how much you may call. The limit and the invoice count the same "
        "unit. A published version of a plan never changes: whoever took it keeps it.",
    ),
    "price": Text("Pris per 1 000 enheter därutöver", "Price per further 1,000 units"),
    "production_agreement": Text(
        "Produktion kräver ett godkänt avtal.", "Production needs an accepted agreement."
    ),
    "production_approval": Text(
        "Produktion kräver att regionen godkänner ansökan.",
        "Production needs the region's approval of your application.",
    ),
    "purposes": Text("Ändamål", "Purposes"),
    "rate": Text("Takt", "Rate"),
    "released": Text("Publicerad", "Released"),
    "required": Text("Krävs", "Required"),
    "role_legal": Text("Juridik", "Legal"),
    "role_owner": Text("Ägare", "Owner"),
    "role_technical": Text("Teknik", "Technical"),
    "samples": Text("Kodexempel", "Code samples"),
    "scope": Text("Scope", "Scope"),
    "scopes": Text("Scopes", "Scopes"),
    "scopes_lead": Text(
        "En scope är rätten att göra en sorts anrop. Be om dem när appen hämtar sin token; utan "
        "`scope`-parameter får token alla som appen prenumererar på.",
        "A scope is the right to make one kind of call. Ask for them when the app fetches its token; "
        "without a `scope` parameter the token gets all that the app subscribes to.",
    ),
    "service_level": Text("Servicenivå", "Service level"),
    "status": Text("Status", "Status"),
    "summary": Text("Vad den gör", "What it does"),
    "checked": Text("Anropen granskas", "Calls are checked"),
    "checked_strictly": Text("det som bryter mot dokumentet avvisas", "what breaks the document is refused"),
    "checked_leniently": Text("fel räknas men släpps igenom", "faults are counted but let through"),
    "from_examples": Text("svarar med exempel ur dokumentet", "answers with the document’s examples"),
    "brownouts": Text("Planerade avbrott (svensk tid)", "Planned brown-outs (Swedish time)"),
    "in_browser": Text("Anrop från webbläsare", "Calls from browsers"),
    "every_origin": Text("sidor från alla ursprung", "pages of every origin"),
    "kept_answers": Text("Svar sparas", "Answers are kept"),
    "what_then": Text("mer om det", "more about it"),
    "sunset_on": Text("Stängs", "Closes"),
    "technical": Text("Teknik", "Technology"),
    "terms": Text("Villkor", "Terms"),
    "terms_none": Text("Inga villkor är angivna.", "No terms are given."),
    "type": Text("Datatyp", "Type"),
    "message_units": Text("Enheter för ett meddelande", "Units of one message"),
    "units": Text("Enheter", "Units"),
    "allowed": Text("Värden", "Values"),
    "version": Text("Version", "Version"),
    "about_api": Text("Om API:et", "About the API"),
    "yes": Text("ja", "yes"),
}

STATUS = {
    Status.ALPHA: Text("alfa", "alpha"),
    Status.BETA: Text("beta", "beta"),
    Status.ACTIVE: Text("aktiv", "active"),
    Status.DEPRECATED: Text("på väg bort", "deprecated"),
    Status.RETIRED: Text("stängd", "retired"),
    Status.DECOMMISSIONED: Text("avvecklad", "decommissioned"),
}

SHARED = {
    Shared.SUBJECT: Text("för samma person och app", "for the same subject and app"),
    Shared.ORGANISATION: Text("inom organisationen", "within the organisation"),
    Shared.EVERYONE: Text("för alla (öppna data)", "for everyone (open data)"),
}

STATUS_NOTE = {
    Status.ALPHA: Text(
        "Tidig version: allt kan ändras utan förvarning.",
        "Early version: anything may change without notice.",
    ),
    Status.BETA: Text(
        "Förhandsversion: ändringar meddelas, men kan komma tätt.",
        "Preview: changes are announced but may come often.",
    ),
    Status.DEPRECATED: Text(
        "Versionen är på väg bort. Byt till en nyare i god tid.",
        "This version is on its way out. Move to a newer one in good time.",
    ),
    Status.RETIRED: Text(
        "Versionen är stängd och kan inte anropas.", "This version is closed and cannot be called."
    ),
    Status.DECOMMISSIONED: Text(
        "Versionen är avvecklad och kan inte anropas.", "This version is gone and cannot be called."
    ),
}

FAMILY = {
    Family.REST: Text("REST", "REST"),
    Family.FHIR: Text("FHIR", "FHIR"),
    Family.OPENEHR: Text("openEHR", "openEHR"),
}

ENVIRONMENT = {
    Environment.SANDBOX: Text("sandlåda", "sandbox"),
    Environment.PRODUCTION: Text("produktion", "production"),
}


def words(language: str) -> dict[str, str]:
    """All fixed phrases in one language."""
    return {key: text[language] for key, text in WORDS.items()}
