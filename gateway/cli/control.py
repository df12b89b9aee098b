"""Composition root of the control plane: settings in, every object built once, one application out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette

from auth.dynamic.endpoint import Registration
from auth.dynamic.endpoint import routes as registration
from auth.people import People
from auth.proofs import addresses
from auth.proofs.certificates import Issuers
from auth.proofs.fetching import Fetcher
from auth.proofs.remote_keys import RemoteKeys
from auth.server.app import AuthorizationServer, routes
from auth.server.methods import Methods
from auth.tokens import vault
from console import app as console_app
from console.letters.post import FolderOutbox, Post
from gateway.catalog.live import LiveCatalog
from gateway.settings import Settings, SettingsFault
from storage.database import Database


def create(settings: Settings) -> Starlette:
    """The application that `sluss serve control` runs. Raises CatalogFaults, KeyTrouble, SettingsFault, OSError."""
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
        methods=Methods(
            settings.issuer,
            RemoteKeys(Fetcher(addresses.Guard(settings.fetch_networks))),
            _issuers(settings.client_ca),
        ),
    )
    return console_app.create(
        database=database,
        issuer=settings.issuer,
        catalog=catalog.current,
        authorization_server=[
            *routes(server),
            *registration(Registration(database, settings.issuer, time.time)),
        ],
        endpoints=server.endpoints,
        portal_tree=settings.portal_dir,
        clock=time.time,
        people=People(database, master_key=master_key),
        provider=settings.provider,
        post=Post(FolderOutbox(settings.data_dir / "outbox")),
    )


def _issuers(file: Path | None) -> Issuers | None:
    try:
        return None if file is None else Issuers(file.read_bytes())
    except ValueError as error:
        fault = f"SLUSS_TLS_CLIENT_CA={file}: a PEM file with the issuers' certificates is needed"
        raise SettingsFault([fault]) from error
