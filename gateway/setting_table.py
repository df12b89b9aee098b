"""Every setting as the manual and `sluss doctor --help` show it. What is read into is `settings`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as the manual shows it: name, default as text, what it means."""

    name: str
    default: str
    meaning: str


# The manual's page and its test are made from this table.
SETTINGS = (
    Setting(
        "SLUSS_DATA_DIR", "var/", "Folder for the database, keys, the usage journal and the built portal."
    ),
    Setting("SLUSS_PORT", "8080", "Public port."),
    Setting("SLUSS_LISTEN", "0.0.0.0", "Address the public port listens on."),  # noqa: S104 - public on purpose
    Setting("SLUSS_ADMIN_PORT", "8081", "Port for metrics, health and the snapshot."),
    Setting("SLUSS_ADMIN_LISTEN", "127.0.0.1", "Address the admin port listens on."),
    Setting(
        "SLUSS_CONTROL_PORT", "8082", "Loopback port of the control plane, reached through the edge only."
    ),
    Setting(
        "SLUSS_ISSUER", "http://localhost:<port>", "Public base URL: the issuer of tokens, no trailing slash."
    ),
    Setting("SLUSS_HOSTS", "", "Further host names the edge answers for, besides the issuer's and loopback."),
    Setting("SLUSS_DATABASE_URL", "sqlite:///<data dir>/sluss.db", "sqlite:///path or postgresql://…"),
    Setting(
        "SLUSS_REDIS_URL",
        "",
        "redis:// or rediss:// for shared counters; none: in-process, one edge process.",
    ),
    Setting(
        "SLUSS_REDIS_WAIT_MS", "80", "Milliseconds that calls wait for Redis before the plan's rule applies."
    ),
    Setting("SLUSS_CATALOG", "the reference backends", "Folders of publications, separated by ':'."),
    Setting("SLUSS_EDGE_PROCESSES", "1", "Edge processes on the public port; more than one needs Redis."),
    Setting(
        "SLUSS_TRUSTED_PROXIES",
        "",
        "Networks (CIDR, comma separated) of proxies whose word about the client is believed.",
    ),
    Setting(
        "SLUSS_FORWARDED",
        "x-forwarded",
        "What trusted proxies say of the client is read from: x-forwarded (X-Forwarded-For, -Proto) or forwarded.",
    ),
    Setting(
        "SLUSS_PROXY_PROTOCOL",
        "off",
        "required: every connection begins with a PROXY header, version 2, from a trusted proxy.",
    ),
    Setting(
        "SLUSS_CLIENT_CERT_HEADER",
        "off",
        "on: Client-Cert (RFC 9440) from trusted proxies is the client's certificate.",
    ),
    Setting(
        "SLUSS_TLS_CERT", "", "PEM file with the certificate and its chain; the public port then speaks TLS."
    ),
    Setting(
        "SLUSS_TLS_KEY",
        "",
        "PEM file with its private key, without a passphrase; none: the certificate's file.",
    ),
    Setting("SLUSS_TLS_CLIENT_CA", "", "PEM file with the issuers of clients' certificates."),
    Setting(
        "SLUSS_FETCH_NETWORKS",
        "",
        "Networks of our own, in CIDR form, in which clients' key sets may be fetched.",
    ),
    Setting("SLUSS_TLS_CLIENT", "off", "Client certificates: off, optional or required."),
    Setting(
        "SLUSS_HSTS_SECONDS",
        "31536000",
        "max-age of Strict-Transport-Security on answers over TLS; none when the issuer is loopback.",
    ),
    Setting("SLUSS_DRAIN_SECONDS", "20", "How long calls in flight may go on after SIGTERM."),
    Setting(
        "SLUSS_CACHE_BYTES",
        "67108864",
        "Memory for kept answers in each edge process, in bytes; 0 keeps none.",
    ),
    Setting("SLUSS_ACCESS_LOG", "-", "File for access records, '-' for standard output, empty for none."),
    Setting(
        "SLUSS_UPSTREAM_<NAME>",
        "",
        "Value for ${SLUSS_UPSTREAM_<NAME>} in the upstream URLs of publications.",
    ),
    Setting(
        "SLUSS_OIDC_ISSUER",
        "",
        "Issuer of an OpenID Connect provider that vouches for people.",
    ),
    Setting("SLUSS_OIDC_CLIENT_ID", "", "This platform's id at the provider."),
    Setting("SLUSS_OIDC_SECRET_FILE", "", "File with the client's secret there."),
    Setting(
        "SLUSS_OIDC_KEY_FILE",
        "",
        "File with a private key (PEM, EC or RSA) instead of a secret.",
    ),
    Setting(
        "SLUSS_OIDC_ACR",
        "",
        "Levels (acr, space separated) of which one is demanded; name only such as mean two factors.",
    ),
    Setting("SLUSS_OIDC_LABEL_SV", "Logga in med e-legitimation", "The button's text in Swedish."),
    Setting("SLUSS_OIDC_LABEL_EN", "Sign in with e-identification", "The button's text in English."),
)
