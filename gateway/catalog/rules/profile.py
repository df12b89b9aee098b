"""The rules in the order of the profile, and which of them a family of APIs is exempt from.

FHIR and openEHR prescribe their own resource names, paging and error bodies; measuring them by a profile
for plain REST would bury what can be mended. The exemptions are published in the portal.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from gateway.catalog.errors import Fault, Severity
from gateway.catalog.model import Family
from gateway.catalog.rules import access, addresses, documentation, messages
from gateway.catalog.rules.subject import Rule, Subject

RULES: tuple[Rule, ...] = (
    documentation.about,
    documentation.described,
    documentation.returns,
    documentation.examples,
    documentation.languages,
    messages.dates,
    addresses.characters,
    addresses.personal_parameters,
    addresses.longest,
    access.schemes,
    messages.names,
    messages.created,
    messages.errors,
    addresses.versions,
    access.query_parameters,
    access.paging,
)

_OWN_FORMS = frozenset(
    {"RES.06", "UFN.07", "UFN.08", "UFN.09", "AME.04", "AME.05", "FEL.01", "FEL.02"}
    | {"FNS.03", "FNS.05", "FNS.07", "FNS.08", "FNS.09", "DOT.02"}
)

EXEMPT = MappingProxyType(
    {Family.REST: frozenset[str](), Family.FHIR: _OWN_FORMS, Family.OPENEHR: _OWN_FORMS}
)


def warnings(subject: Subject) -> Iterator[Fault]:
    """Each broken rule at its line in the OpenAPI document."""
    exempt = EXEMPT[subject.family]
    for rule in RULES:
        for finding in rule(subject):
            if finding.rule not in exempt:
                yield subject.openapi.fault(finding.pointer, finding.message, Severity.WARNING, finding.rule)
