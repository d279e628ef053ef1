"""Every error the store raises on purpose. It knows no HTTP status; `api/errors.py` does.

TamsError
├── Invalid                 the request breaks a rule: names the field, the value and the rule
├── NotFound                no such resource, as far as the caller may know
├── Conflict                the state of the store forbids it; nothing was changed
├── Unauthenticated         nobody, as far as the credentials tell, or somebody unknown
├── Forbidden               the caller or the resource does not allow it
│   └── FlowReadOnly
├── MediaRefused            a signed media URL that is forged, expired or for another method
├── TooLarge                a body over the limit
├── TooSlow                 a body that stopped coming
├── Unsatisfiable           a byte range outside the Object
├── Expired                 what was asked for is no longer kept
├── Busy                    try again in a moment; nothing was changed
├── OutcomeUnknown          the answer to COMMIT was lost; repeat the request
├── LeaseLost               a job took so long that it belongs to another worker by now
├── StorageFailed           a storage backend did not do what was asked
├── Unreachable             a URL that a client gave did not answer, or must not be reached
├── MediaUnreadable         a media file that cannot be read, cut or joined
├── RequestFailed           a server answered the client library with an error
└── BadSettings             the settings do not allow a start
"""

from __future__ import annotations


class TamsError(Exception):
    """What happened, to what, and what to do, in one sentence."""


class Invalid(TamsError):
    """A request breaks a rule; nothing was changed."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        shown = repr(value)
        if len(shown) > 120:
            shown = f"{shown[:117]}..."
        super().__init__(f"{field}: {rule}, not {shown}")
        self.field = field
        self.value = value
        self.rule = rule


class NotFound(TamsError):
    """The named resource does not exist."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name}")
        self.kind = kind
        self.name = name


class Conflict(TamsError):
    """The state of the store forbids it; nothing was changed."""


class Unauthenticated(TamsError):
    """The credentials of a request are missing or not valid here."""


class Forbidden(TamsError):
    """The request is understood and refused."""


class FlowReadOnly(Forbidden):
    """The Flow is read_only (TAMS 8.2, `flow-common`)."""

    def __init__(self, flow_id: str) -> None:
        super().__init__(
            f"read_only: Flow {flow_id} is read-only; PUT false to /flows/{flow_id}/read_only first"
        )


class MediaRefused(TamsError):
    """A media URL is forged, expired, or for another method."""


class TooLarge(TamsError):
    """A body is larger than the limit."""


class TooSlow(TamsError):
    """A body stopped coming before its end."""


class Unsatisfiable(TamsError):
    """A byte range lies outside the Object."""

    def __init__(self, size: int) -> None:
        super().__init__(f"Range: it must start within the {size} bytes of this Object")
        self.size = size


class Expired(TamsError):
    """What was asked for was kept for a time, and is not any more."""


class Busy(TamsError):
    """The store cannot take this request now; nothing was changed."""


class OutcomeUnknown(TamsError):
    """The connection was lost while the change was being made durable."""


class LeaseLost(TamsError):
    """A job belongs to another worker by now, so that this one must change nothing more."""


class StorageFailed(TamsError):
    """A storage backend did not do what was asked."""


class Unreachable(TamsError):
    """A URL that a client gave did not answer, or leads where no request may go."""


class MediaUnreadable(TamsError):
    """A media file that cannot be read, cut or joined."""


class RequestFailed(TamsError):
    """A server answered with an error; `status` is HTTP's, 0 if there was no answer.

    `retry_after` is what the server asked for, in seconds, if it did.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class BadSettings(TamsError):
    """The settings do not allow a start."""
