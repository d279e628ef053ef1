"""Names of the vendor's documents that turn nothing here: known, so that no start fails by them.

Whoever asks by one for what the server does not do is told at the start what it does instead. No
check of the standard can be turned off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tams.errors import BadSettings
from tams.settings.values import Found

_CHECKED = "every request is held to the standard, whatever this says"
_UNTOLD = "there are no such telemetry data yet"
_VAST = "it is for a catalogue in VAST Database, which is not there yet"


class Idle(NamedTuple):
    """What is done whatever the value; `met` are the values that ask for just that.

    `allowed` are all there may be, if not any.
    """

    done: str
    met: tuple[str, ...] = ()
    allowed: tuple[str, ...] | range | None = None


_SWITCH = ("true", "1", "yes", "on")
_OFF = ("false", "0", "no", "off")

IDLE: Mapping[str, Idle] = {
    "TAMS_COMPLIANCE_MODE": Idle(_CHECKED, _SWITCH),
    "TAMS_VALIDATION_LEVEL": Idle(_CHECKED, ("strict",), ("strict", "relaxed", "minimal")),
    "ENABLE_UUID_VALIDATION": Idle(_CHECKED, _SWITCH),
    "ENABLE_TIMESTAMP_VALIDATION": Idle(_CHECKED, _SWITCH),
    "ENABLE_CONTENT_FORMAT_VALIDATION": Idle(_CHECKED, _SWITCH),
    "ENABLE_MIME_TYPE_VALIDATION": Idle(_CHECKED, _SWITCH),
    "TAMS_ERROR_REPORTING": Idle("every error is told to the caller or in the log", _SWITCH),
    "TAMS_AUDIT_LOGGING": Idle(
        "changes are in the log of events for TAMS_EVENT_RETENTION; who made them is not", _OFF
    ),
    "TAMS_CACHE_ENABLED": Idle("every answer is read from the catalogue, none is kept", _OFF),
    "TAMS_CACHE_TTL": Idle("every answer is read from the catalogue", allowed=range(86401)),
    "TAMS_SEGMENT_STORAGE_DEFAULT_LIMIT": Idle("storage is allocated to Flows, not to Segments"),
    "ENABLE_TABLE_PROJECTIONS": Idle(_VAST, _OFF),
    "TAMS_ENABLE_TABLE_PROJECTIONS": Idle(_VAST, _OFF),
    "VAST_CONNECTION_TIMEOUT": Idle(_VAST),
    "VAST_READ_TIMEOUT": Idle(_VAST),
    "VAST_DATA_DIR": Idle(_VAST),
    "S3_CONNECTION_TIMEOUT": Idle("a connection to S3 is given up after 3 seconds"),
    "S3_READ_TIMEOUT": Idle("S3 is given up after 30 seconds without any bytes"),
    "S3_MAX_RETRIES": Idle("S3 is asked again for 30 seconds, four times at most"),
    "STORAGE_TYPE": Idle("each backend is an http_object_store", ("http_object_store",)),
    "STORAGE_BASE_URL": Idle("media URLs begin with TAMS_PUBLIC_URL, or with the bucket's address"),
    "WEBHOOK_RETRY_ATTEMPTS": Idle(
        "a delivery is tried again until TAMS_WEBHOOK_GIVE_UP has passed, however often that is"
    ),
    "METRICS_ENABLED": Idle(_UNTOLD, _OFF),
    "TRACING_ENABLED": Idle(_UNTOLD, _OFF),
    "TELEMETRY_ENABLED": Idle(_UNTOLD, _OFF),
    "JAEGER_ENDPOINT": Idle(_UNTOLD),
    "OTLP_ENDPOINT": Idle(_UNTOLD),
}


def notes_on(given: Mapping[str, Found]) -> Iterator[str]:
    """Say what is done in place of what these ask for; raises `BadSettings` for no such value."""
    for name, idle in IDLE.items():
        if name not in given:
            continue
        text = given[name].text.strip().lower()
        if not _is_allowed(text, idle.allowed):
            raise BadSettings(f"{given[name].place}: it must be {_shown(idle.allowed)}")
        if text not in idle.met:
            yield f"{given[name].place} changes nothing: {idle.done}"


def _is_allowed(text: str, allowed: tuple[str, ...] | range | None) -> bool:
    if isinstance(allowed, range):
        return text.isdecimal() and int(text) in allowed
    return allowed is None or text in allowed


def _shown(allowed: tuple[str, ...] | range | None) -> str:
    if isinstance(allowed, range):
        return f"a number from {allowed[0]} to {allowed[-1]}"
    return f"one of {', '.join(allowed or ())}"
