"""The settings; each field gives type, default and reason."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

IN_MEMORY = "sqlite:///:memory:"
"""A catalogue that no other process sees."""


_ORIGIN = re.compile(r"https?://[^/,\s?#@]+")


class Settings(BaseModel):
    """How this deployment runs; `data_dir` is TAMS_DATA_DIR in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    data_dir: Path = Field(Path("data"), description="folder of the embedded catalogue and media")
    catalogue: str = Field(
        "", description="`sqlite:///path` or `postgresql://…`; empty: SQLite in the data folder"
    )
    storage: str = Field(
        "", description="a TOML or JSON file of backends, or one URL; empty: the data folder"
    )
    default_storage: str = Field(
        "",
        description="id or label of the backend where media go whose request names none; empty: as "
        "the file of backends says",
    )
    s3_access_key_id: str = Field(
        "",
        description="what S3 backends without a `profile` are asked with; empty: what AWS's own "
        "tools would find",
    )
    s3_secret_access_key: SecretStr = Field(
        SecretStr(""), description="the secret of that access key"
    )
    get_urls_max: int = Field(
        0,
        ge=0,
        description="most `get_urls` that are shown of an Object; 0: all, as in the standard",
    )
    public_url: str = Field(
        "",
        description="base of URLs; empty: the address that the client used, or the one listened on",
    )
    auth: str = Field(
        "none",
        description="how callers prove who they are: `none`, or a comma list of `jwt` (Bearer), "
        "`basic` and `token` (`access_token` in the URL)",
    )
    jwt_secret: SecretStr = Field(
        SecretStr(""),
        description="what HS256 tokens are made and verified with; 32 bytes or more; empty: none",
    )
    jwt_issuer: str = Field(
        "tams", min_length=1, description="`iss` of the tokens made with that secret"
    )
    jwt_audience: str = Field(
        "",
        description="comma list of which a token's `aud` must name one; empty: it must name none",
    )
    oidc_issuers: str = Field(
        "", description="comma list of OpenID Connect issuers whose tokens are good here"
    )
    credentials: str = Field(
        "", description="file of users, clients and tokens, kept by `tams admin`; empty: none"
    )
    token_lifetime: int = Field(
        3600, ge=60, description="seconds for which a token of `/token` is good"
    )
    extensions: str = Field(
        "all", description="what there is beside the standard: `all`, `none`, or a comma list"
    )
    dialects: str = Field(
        "all",
        description="base paths that speak otherwise, such as `v7.0` and `vast`: `all`, `none`, or "
        "a comma list",
    )
    root_dialect: str = Field(
        "standard",
        description="what is spoken without a base path: `standard`, or a dialect such as `vast`",
    )
    webhook_changes_by: Literal["read", "write"] = Field(
        "read", description="scope that may replace or delete a Webhook; `read` is the standard's"
    )
    page_default: int = Field(100, ge=1, description="items of a page whose request names no limit")
    page_max: int = Field(1000, ge=1, le=10000, description="most items of a page")
    storage_default: int = Field(
        100, ge=1, description="Objects that one storage request allocates if it names no number"
    )
    storage_max: int = Field(1000, ge=1, le=1000, description="most Objects of a storage request")
    min_object_timeout: int = Field(
        7200, ge=300, description="seconds in which an allocated Object must be registered"
    )
    min_presigned_url_timeout: int = Field(
        3600, ge=30, description="seconds for which a media URL is good, at least"
    )
    url_window: int = Field(
        900, ge=1, description="seconds for which the same media URL is given, so that caches work"
    )
    max_object_size: int = Field(
        5 * 1024**3, ge=1, description="bytes of the largest Object that may be uploaded"
    )
    verify_uploads: bool = Field(
        default=False,
        description="whether an Object is registered only if its bytes are there, within that size",
    )
    measure_rate: int = Field(
        100,
        ge=0,
        description="Objects whose sizes are asked for at each look for background work; 0: none",
    )
    async_deletion_threshold: int = Field(
        1000,
        ge=0,
        description="Segments; a DELETE of more answers 202 and goes on behind it; 0: of any",
    )
    deletion_request_retention: int = Field(
        7 * 86400, ge=0, description="seconds for which a deletion request is shown after its end"
    )
    trash_retention: int = Field(
        0,
        ge=0,
        description="seconds for which a soft deletion can be taken back; 0: for ever",
    )
    event_retention: int = Field(7 * 86400, ge=60, description="seconds for which events are kept")
    event_heartbeat: float = Field(
        15.0, gt=0, description="seconds for which a stream of events is silent, at most"
    )
    event_stream_lifetime: float = Field(
        3600.0,
        gt=0,
        description="seconds after which a stream of events ends, so that its client shows its "
        "credentials anew and goes on where it was",
    )
    webhook_allow: str = Field(
        "",
        description="hosts, addresses and networks, with commas, that may be asked though private",
    )
    webhook_timeout: float = Field(
        10.0, gt=0, description="seconds that a webhook's receiver has to answer"
    )
    webhook_concurrency: int = Field(
        100, ge=1, description="webhooks that this process serves at the same time"
    )
    webhook_retry_first: float = Field(
        1.0, gt=0, description="seconds after which a failed delivery is tried again; then doubled"
    )
    webhook_retry_longest: float = Field(
        600.0, gt=0, description="seconds between two attempts, at most"
    )
    webhook_give_up: float = Field(
        86400.0, gt=0, description="seconds of failures on end after which a webhook is in error"
    )
    synchronous: Literal["FULL", "NORMAL", "OFF"] = Field(
        "FULL", description="how SQLite syncs; anything but FULL may lose acknowledged changes"
    )
    database_connections: int = Field(
        10, ge=1, description="connections to PostgreSQL that this process opens at most"
    )
    database_timeout: float = Field(
        10.0, gt=0, description="seconds that PostgreSQL has to take a connection"
    )
    database_pooled: bool = Field(
        default=False,
        description="whether a pooler in transaction mode, such as pgbouncer, is before PostgreSQL",
    )
    read_replica: str = Field(
        "",
        description="`postgresql://…` that listings of Sources and Flows may read, though it lags",
    )
    client_timeout: float = Field(
        60.0,
        gt=0,
        description="seconds in which a client must send a request's head, go on with its body, or "
        "read some of its answer",
    )
    keep_alive: int = Field(
        75,
        ge=1,
        description="seconds for which a connection is kept between two requests; let it be more "
        "than a balancer before it keeps its own",
    )
    max_connections: int = Field(
        1000,
        ge=1,
        description="connections to clients that a process holds, as far as the limit of open files"
        " allows four for each; more are told to come back",
    )
    queue_limit: int = Field(
        1000, ge=1, description="works that may wait for the catalogue; more are told to come back"
    )
    time_limit: float = Field(30.0, gt=0, description="seconds that the catalogue works on one")
    workers: int = Field(1, ge=1, le=256, description="processes of `tams serve`")
    background: bool = Field(
        default=True,
        description="whether `tams serve` does background work; if not, `tams worker` must",
    )
    worker_interval: float = Field(
        1.0, gt=0, description="seconds between two looks for background work"
    )
    shutdown_grace: int = Field(
        30, ge=0, description="seconds that requests have to finish after SIGTERM"
    )
    log_format: Literal["text", "json"] = Field("text", description="how log lines are written")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="what is not said in the log: all that matters less than this"
    )
    cors_origins: str = Field(
        "*",
        description="comma list of web sites whose pages may ask this server; `*`: of all; empty: "
        "of none",
    )
    cors_methods: str = Field(
        "GET,HEAD,PUT,POST,DELETE", description="comma list of methods that they may use"
    )
    cors_headers: str = Field("*", description="comma list of headers that they may send; `*`: any")
    cors_credentials: bool = Field(
        default=False,
        description="whether browsers send what they keep, such as Basic credentials, with it",
    )

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _timeouts_agree(self) -> Settings:
        if self.min_presigned_url_timeout > self.min_object_timeout:
            raise ValueError(
                "TAMS_MIN_PRESIGNED_URL_TIMEOUT: it must not exceed TAMS_MIN_OBJECT_TIMEOUT"
            )
        if self.page_default > self.page_max or self.storage_default > self.storage_max:
            raise ValueError(
                "TAMS_PAGE_DEFAULT, TAMS_STORAGE_DEFAULT: each must not exceed its TAMS_…_MAX"
            )
        return self

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        if any(one != "*" and not _ORIGIN.fullmatch(one) for one in listed(value)):
            raise ValueError("each must be * or an origin such as https://editor.example:8443")
        return value

    @field_validator("oidc_issuers")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not all(one.startswith(("http://", "https://")) for one in listed(value)):
            raise ValueError("each must begin with http:// or https://")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value().encode()) < 32:
            raise ValueError("it must have 32 bytes or more (RFC 7518, section 3.2)")
        return value

    @model_validator(mode="after")
    def _somebody_gets_in(self) -> Settings:
        schemes = self.auth_schemes
        if self.auth.strip() != "none" and (not schemes or schemes - {"jwt", "basic", "token"}):
            raise ValueError("TAMS_AUTH: it must be none, or a list of jwt, basic and token")
        tokens = self.jwt_secret.get_secret_value() or self.oidc_issuers or self.credentials
        if schemes & {"jwt", "token"} and not tokens:
            raise ValueError(
                "TAMS_AUTH: no token could be verified; set TAMS_JWT_SECRET, TAMS_OIDC_ISSUERS or "
                "TAMS_CREDENTIALS"
            )
        if "basic" in schemes and not self.credentials:
            raise ValueError("TAMS_AUTH: basic needs the users of TAMS_CREDENTIALS")
        return self

    @field_validator("log_level", mode="before")
    @classmethod
    def _capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _no_site_of_all_has_credentials(self) -> Settings:
        if self.cors_credentials and "*" in listed(self.cors_origins):
            raise ValueError(
                "TAMS_CORS_CREDENTIALS: pages of any site could act as whoever looks at them; name "
                "the sites in TAMS_CORS_ORIGINS"
            )
        return self

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> Settings:
        if bool(self.s3_access_key_id) != bool(self.s3_secret_access_key.get_secret_value()):
            raise ValueError(
                "TAMS_S3_ACCESS_KEY_ID, TAMS_S3_SECRET_ACCESS_KEY: each needs the other"
            )
        return self

    @model_validator(mode="after")
    def _memory_is_shared_with_nobody(self) -> Settings:
        if self.catalogue == IN_MEMORY and (self.workers > 1 or not self.background):
            name = "TAMS_WORKERS" if self.workers > 1 else "TAMS_BACKGROUND"
            raise ValueError(f"{name}: a catalogue in memory belongs to one process")
        return self

    @property
    def auth_schemes(self) -> frozenset[str]:
        """The ways of proving who one is; none if authentication is off."""
        return frozenset(() if self.auth.strip() == "none" else listed(self.auth))

    @property
    def audiences(self) -> list[str]:
        """Whom tokens are for."""
        return listed(self.jwt_audience)

    @property
    def issuers(self) -> list[str]:
        """Whose tokens are good, besides our own."""
        return listed(self.oidc_issuers)

    @property
    def catalogue_url(self) -> str:
        """Where the catalogue lies."""
        return self.catalogue or f"sqlite:///{quote(str(self.data_dir / 'catalogue.sqlite'))}"

    @property
    def reached_at(self) -> str:
        """Base of the URLs that are given to others than callers, such as webhooks."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - not bound
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def listed(text: str) -> list[str]:
    """The parts of a comma list."""
    return [part.strip() for part in text.split(",") if part.strip()]
