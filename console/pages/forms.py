"""The console's forms (WTForms, which speaks Swedish). Labels stand in the templates, in both languages.

A form's fields bear the names of the services' fields, so that a refusal finds its field.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange

from auth.profiles import METHODS, PROFILES
from auth.proofs.certificates import NAMES
from console.management.shapes import UNPRINTABLE
from console.roles import MEMBER_ROLES
from console.services.organisations import SELF_SERVICE_TYPES


def printable(_: Form, field: Field) -> None:
    """The same characters as the management API takes in names."""
    if any(ord(character) < 32 or character in UNPRINTABLE for character in field.data or ""):
        raise ValidationError(field.gettext("Invalid input."))


def _stripped(value: str | None) -> str | None:
    return value.strip() if value else value


NAME = (InputRequired(), Length(min=1, max=100), printable)
OVERLAPS = ("0", "3600", "86400", "604800", "2592000")


def choices(values: Iterable[str]) -> list[Any]:
    """Plain texts, which WTForms takes and the published type stubs do not know yet."""
    return list(values)


class Empty(Form):
    """A form that is only a button."""


class SignUp(Form):
    name = StringField(validators=NAME, filters=[_stripped])
    email = StringField(validators=[InputRequired(), Length(max=254), printable], filters=[_stripped])
    password = PasswordField(validators=[InputRequired(), Length(max=1024)])


class SignIn(Form):
    email = StringField(validators=[InputRequired(), Length(max=254)], filters=[_stripped])
    password = PasswordField(validators=[InputRequired(), Length(max=1024)])


class Code(Form):
    """A one-time code, or a recovery code in its place."""

    code = StringField(validators=[InputRequired(), Length(max=64)], filters=[_stripped])


class Address(Form):
    email = StringField(validators=[InputRequired(), Length(max=254), printable], filters=[_stripped])


class ChosenPassword(Form):
    password = PasswordField(validators=[InputRequired(), Length(max=1024)])


class NewRole(Form):
    role = SelectField(choices=choices(MEMBER_ROLES), validators=[InputRequired()])


class NewPassword(Form):
    old = PasswordField(validators=[InputRequired(), Length(max=1024)])
    password = PasswordField(validators=[InputRequired(), Length(max=1024)])


class NewOrganisation(Form):
    name = StringField(validators=NAME, filters=[_stripped])
    number = StringField(validators=[InputRequired(), Length(max=20)], filters=[_stripped])
    type = RadioField(choices=choices(SELF_SERVICE_TYPES), validators=[InputRequired()])


class NewMember(Form):
    email = StringField(validators=[InputRequired(), Length(max=254), printable], filters=[_stripped])
    role = SelectField(choices=choices(MEMBER_ROLES), validators=[InputRequired()])


class NewApp(Form):
    name = StringField(validators=NAME, filters=[_stripped])
    environment = RadioField(choices=choices(["sandbox", "production"]), validators=[InputRequired()])


CLIENT_TEXTS = ("profile", "auth_method", "jwks", "jwks_uri", "tls_client_auth_name", "tls_client_auth_value")
CLIENT_LISTS = ("grant_types", "redirect_uris", "post_logout_redirect_uris")
CLIENT_FLAGS = ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens")


class Client(Form):
    """An app as OAuth client. Whether it all fits together is judged by the service, which names every fault."""

    profile = SelectField(choices=choices(PROFILES), validators=[InputRequired()])
    auth_method = SelectField(choices=choices(sorted(METHODS)), validators=[InputRequired()])
    grant_types = StringField(validators=[InputRequired(), Length(max=500)])
    redirect_uris = TextAreaField(validators=[Length(max=50_000)])
    post_logout_redirect_uris = TextAreaField(validators=[Length(max=50_000)])
    jwks = TextAreaField(validators=[Length(max=70_000)])
    jwks_uri = StringField(validators=[Length(max=2048)])
    tls_client_auth_name = SelectField(choices=choices(["", *NAMES]))
    tls_client_auth_value = StringField(validators=[Length(max=1024)])
    dpop_bound_access_tokens = BooleanField()
    tls_client_certificate_bound_access_tokens = BooleanField()


class Subscribe(Form):
    """`offer` is an API's key and a plan's id, as `behov/v1 prova`."""

    offer = StringField(validators=[InputRequired(), Length(max=150), printable])

    def api_and_plan(self) -> tuple[str, str]:
        api, _, plan = (self.offer.data or "").partition(" ")
        return api, plan


class Rotate(Form):
    overlap = SelectField(choices=choices(OVERLAPS), validators=[InputRequired()])


class NewPersonalToken(Form):
    name = StringField(validators=NAME, filters=[_stripped])
    days = IntegerField(validators=[InputRequired(), NumberRange(min=1, max=365)])


class RevokeToken(Form):
    token = StringField(validators=[InputRequired(), Length(max=8192)], filters=[_stripped])
