"""Composition root of the control plane: settings in, every object built once, one application out."""

from __future__ import annotations

import time
from collections.abc import Mapping

from starlette.applications import Starlette

from auth.people import People
from auth.server.app import AuthorizationServer, routes
from auth.tokens import vault
from console import app as console_app
from console.letters.post import FolderOutbox, Post
from gateway.catalog.live import LiveCatalog
from gateway.settings import Settings
from storage.database import Database


def create(settings: Settings) -> Starlette:
    """The application that `sluss serve control` runs. Raises CatalogFaults, KeyTrouble, OSError."""
    catalog = LiveCatalog(settings.catalog, settings.upstream_variables, time.monotonic)
    database = Database(settings.database_url)

    def api_scopes() -> Mapping[str, frozenset[str]]:
        return {key: frozenset(api.scopes) for key, api in catalog.current().apis.items()}

    master_key = vault.load_or_create_master_key(settings.master_key_path)
    server = AuthorizationServer(
        database,
        settings.issuer,
        master_key,
        api_scopes,
        time.time,
    )
    return console_app.create(
        database=database,
        issuer=settings.issuer,
        catalog=catalog.current,
        authorization_server=routes(server),
        portal_tree=settings.portal_dir,
        clock=time.time,
        people=People(database, master_key=master_key),
        provider=settings.provider,
        post=Post(FolderOutbox(settings.data_dir / "outbox")),
    )
