"""Names of the vendor system's documents for settings: what each of them is here.

Names that anything may have set for itself, such as HOST, DEBUG or SECRET_KEY, are looked for where
they were written for this server: in its `.env` and its file of settings. From the environment come
those alone that begin with `S3_`, `VAST_` or `TAMS_`; and PORT, by which platforms say where to
listen. A name counts only where no source has our own name for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from tams.errors import BadSettings
from tams.settings.idle import IDLE, notes_on
from tams.settings.values import Found, texts, truth

RENAMED: Mapping[str, str] = {
    "HOST": "host",
    "PORT": "port",
    "LOG_LEVEL": "log_level",
    "DEFAULT_STORAGE_BACKEND_ID": "default_storage",
    "GET_URLS_MAX_COUNT": "get_urls_max",
    "ASYNC_DELETION_THRESHOLD": "async_deletion_threshold",
    "TAMS_FLOW_STORAGE_DEFAULT_LIMIT": "storage_default",
    "SECRET_KEY": "jwt_secret",
    "CORS_ORIGINS": "cors_origins",
    "CORS_ALLOW_CREDENTIALS": "cors_credentials",
    "CORS_ALLOW_METHODS": "cors_methods",
    "CORS_ALLOW_HEADERS": "cors_headers",
    "WEBHOOK_TIMEOUT": "webhook_timeout",
}
"""Another name of a setting."""

_TIMEOUTS = (
    "S3_PRESIGNED_URL_UPLOAD_TIMEOUT",
    "S3_PRESIGNED_URL_DOWNLOAD_TIMEOUT",
    "S3_PRESIGNED_URL_EXPIRY",
)
_VAST = ("VAST_ENDPOINT", "VAST_ACCESS_KEY", "VAST_SECRET_KEY")

TRANSLATED: Mapping[str, str] = {
    "DEBUG": "`true`: `TAMS_LOG_LEVEL=DEBUG`, unless `LOG_LEVEL` is set",
    "ENVIRONMENT": "`development`: `TAMS_LOG_LEVEL=DEBUG`, unless `LOG_LEVEL` is set",
    "LOG_FORMAT": "`TAMS_LOG_FORMAT`, if it is `text` or `json`; no other pattern is followed",
    "S3_ENDPOINT_URL": "with the next ones, `TAMS_STORAGE=s3://…`",
    "S3_BUCKET_NAME": "the bucket",
    "S3_USE_SSL": "whether an endpoint without `http://` or `https://` is asked by https; `true`",
    "S3_REGION": "the region",
    "S3_ACCESS_KEY_ID": "`TAMS_S3_ACCESS_KEY_ID`, of that bucket",
    "S3_SECRET_ACCESS_KEY": "`TAMS_S3_SECRET_ACCESS_KEY`, of that bucket",
    "TAMS_STORAGE_PATH": "what keys begin with in that bucket; they have `tams/` after it, unless "
    "it ends so",
    "S3_TAMS_ROOT": "the same",
    **dict.fromkeys(_TIMEOUTS, "`TAMS_MIN_PRESIGNED_URL_TIMEOUT`, the greatest of them"),
    "ACCESS_TOKEN_EXPIRE_MINUTES": "`TAMS_TOKEN_LIFETIME`, in minutes",
    "ALGORITHM": "`HS256`, with which tokens are made; no other",
    **dict.fromkeys(
        (*_VAST, "VAST_BUCKET", "VAST_SCHEMA"),
        "a catalogue in VAST Database, which is not there yet: the start says so",
    ),
}
"""What takes more than another name, and what it does."""

KNOWN = frozenset({*RENAMED, *TRANSLATED, *IDLE})


class Translation(NamedTuple):
    """Our settings for these names, and what the operator should know about the others."""

    found: Mapping[str, Found]
    notes: tuple[str, ...]


def is_read_from_environment(name: str) -> bool:
    """Whether a name means this server, whoever has set it."""
    return name in KNOWN and (name == "PORT" or name.startswith(("S3_", "VAST_", "TAMS_")))


def translate(given: Mapping[str, Found], own: Collection[str]) -> Translation:
    """Translate; `own` are the settings that are known by our names and win.

    Raises `BadSettings` where names belong together and one is missing, or where they ask for what
    there is not.
    """
    given = {name: value for name, value in given.items() if value.text.strip()}
    found = {field: given[name] for name, field in RENAMED.items() if name in given}
    for part in (_level(given), _format(given), _lifetime(given), _timeout(given)):
        found = part | found
    found |= _lists(found)
    if found.get("default_storage", Found("", "")).text == "default":
        del found["default_storage"]  # as the documents call whichever it is
    bucket = {} if "storage" in own else _bucket(given)
    found |= bucket
    if "catalogue" not in own:
        _require_no_vast(given)
    if "jwt_secret" not in own:
        _require_hs256(given)
    kept = {field: value for field, value in found.items() if field not in own}
    return Translation(kept, (*notes_on(given), *([] if bucket else _no_prefix(given))))


def _level(given: Mapping[str, Found]) -> dict[str, Found]:
    for name, wanted in (("DEBUG", ("true", "1", "yes", "on")), ("ENVIRONMENT", ("development",))):
        if name in given and given[name].text.strip().lower() in wanted:
            return {"log_level": Found("DEBUG", given[name].place)}
    return {}


def _format(given: Mapping[str, Found]) -> dict[str, Found]:
    known = "LOG_FORMAT" in given and given["LOG_FORMAT"].text in ("text", "json")
    return {"log_format": given["LOG_FORMAT"]} if known else {}


def _lifetime(given: Mapping[str, Found]) -> dict[str, Found]:
    if "ACCESS_TOKEN_EXPIRE_MINUTES" not in given:
        return {}
    minutes = given["ACCESS_TOKEN_EXPIRE_MINUTES"]
    return {"token_lifetime": Found(minutes.number * 60, minutes.place)}


def _timeout(given: Mapping[str, Found]) -> dict[str, Found]:
    named = [given[name] for name in _TIMEOUTS if name in given]
    return {"min_presigned_url_timeout": max(named, key=lambda one: one.number)} if named else {}


def _lists(found: Mapping[str, Found]) -> dict[str, Found]:
    """The documents write lists as JSON."""
    named = (field for field in found if field.startswith("cors_") and field != "cors_credentials")
    return {field: Found(",".join(texts(found[field])), found[field].place) for field in named}


def _bucket(given: Mapping[str, Found]) -> dict[str, Found]:
    """The storage that the S3_ names make together; raises `BadSettings` for a part of one."""
    named = next((name for name in ("S3_BUCKET_NAME", "S3_ENDPOINT_URL") if name in given), None)
    if named is None:
        return {}
    if "S3_ENDPOINT_URL" not in given and "S3_REGION" not in given:
        _miss("S3_ENDPOINT_URL", named)
    _pair(given, "S3_BUCKET_NAME", named)
    keys = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
    for one, other in (keys, keys[::-1]):
        if one in given:
            _pair(given, other, one)
    parameters = {"region": _text(given, "S3_REGION"), "endpoint": _endpoint(given)}
    query = urlencode({name: value for name, value in parameters.items() if value})
    bucket = quote(_text(given, "S3_BUCKET_NAME"), safe="")
    url = f"s3://{bucket}/{quote(_prefix(given))}?{query}"
    proof = {f"s3_{name[3:].lower()}": given[name] for name in keys if name in given}
    return {"storage": Found(url, given[named].place), **proof}


def _endpoint(given: Mapping[str, Found]) -> str:
    """With a scheme: http only where that is said."""
    url = _text(given, "S3_ENDPOINT_URL")
    secure = "S3_USE_SSL" not in given or truth(given["S3_USE_SSL"])
    if not url or "://" in url:
        if "S3_USE_SSL" in given and secure and url.startswith("http://"):
            raise BadSettings(
                f"{given['S3_USE_SSL'].place}: it is true, but S3_ENDPOINT_URL begins with http://"
            )
        return url.rstrip("/")
    return f"{'https' if secure else 'http'}://{url}".rstrip("/")


def _prefix(given: Mapping[str, Found]) -> str:
    """What comes before the `tams/` with which every key begins."""
    path = _text(given, "TAMS_STORAGE_PATH") or _text(given, "S3_TAMS_ROOT")
    names = path.strip("/").split("/")
    return "/".join(names[:-1] if names[-1] == "tams" else names)


def _no_prefix(given: Mapping[str, Found]) -> Iterator[str]:
    for name in ("TAMS_STORAGE_PATH", "S3_TAMS_ROOT"):
        if name in given and _prefix({name: given[name]}):
            yield f"{given[name].place} changes nothing: keys begin below the URL in TAMS_STORAGE"


def _require_no_vast(given: Mapping[str, Found]) -> None:
    named = next((name for name in (*_VAST, "VAST_BUCKET", "VAST_SCHEMA") if name in given), None)
    if named is None:
        return
    for name in _VAST:
        _pair(given, name, named)
    raise BadSettings(
        f"{given[named].place}: a catalogue in VAST Database is not there yet; set TAMS_CATALOGUE "
        "to one of SQLite or PostgreSQL, or leave the VAST_ names out"
    )


def _require_hs256(given: Mapping[str, Found]) -> None:
    if _text(given, "ALGORITHM") not in ("", "HS256"):
        raise BadSettings(
            f"{given['ALGORITHM'].place}: tokens are made and verified with HS256 alone where the "
            "secret is shared; for others set TAMS_OIDC_ISSUERS"
        )


def _pair(given: Mapping[str, Found], name: str, named: str) -> None:
    if name not in given:
        _miss(name, named)


def _miss(name: str, named: str) -> None:
    raise BadSettings(f"{name}: it is missing beside {named}")


def _text(given: Mapping[str, Found], name: str) -> str:
    return given[name].text.strip() if name in given else ""
