"""A list of each kind of thing, by a name of its own for the OpenAPI document."""

from __future__ import annotations

from console.management import shapes
from console.management.paging import Listing


class PersonalTokenListing(Listing[shapes.PersonalTokenShape]):
    pass


class OrganisationListing(Listing[shapes.OrganisationShape]):
    pass


class InvitationListing(Listing[shapes.InvitationShape]):
    pass


class SessionListing(Listing[shapes.SessionShape]):
    pass


class MemberListing(Listing[shapes.MemberShape]):
    pass


class AppListing(Listing[shapes.AppShape]):
    pass


class CredentialListing(Listing[shapes.CredentialShape]):
    pass


class SubscriptionListing(Listing[shapes.SubscriptionShape]):
    pass
