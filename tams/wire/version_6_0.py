"""TAMS 6.0, as far as it is not 7.0: one media store, one Segment at a time, no images, no Objects.

Timestamps were loosely typed: they are read with leading zeros and with more than nine digits of
nanoseconds, in bodies and in queries.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote, unquote_plus

from tams.domain.flows import Flow, FlowMetadata, ImageParameters, VideoParameters
from tams.domain.sources import ContentFormat
from tams.domain.timerange import SECOND, format_timestamp
from tams.domain.webhooks import Webhook, WebhookMetadata
from tams.errors import Invalid
from tams.wire.version_steps import Json, Step, each, refuse, with_only, without

VERSION, NEXT = "6.0", "7.0"
_TIMES = ("timerange", "ts_offset", "last_duration")
_LATER = ("accept_storage_ids", "presigned", "verbose_storage")
_LOOSE = re.compile(r"(-?)(?<![0-9])([0-9]{1,40}):([0-9]{1,40})(?![0-9])")
"""What a timestamp could be; with more digits it lies outside of what any store can hold."""


def _service(document: Json) -> Json:
    return document | {"media_store": {"type": "http_object_store"}}


@each
def _formatted(document: Json) -> Json:
    # An image was a video Flow without a rate, before it had a format of its own (ADR 0031).
    if document["format"] == ContentFormat.IMAGE:
        document["format"] = str(ContentFormat.VIDEO)
    return document


@each
def _segment(document: Json) -> Json:
    if "get_urls" in document:
        document["get_urls"] = with_only("url", "label")(document["get_urls"])
    return document


def strict(text: str) -> str:
    """The text with each loose timestamp in it as the standard writes it since 7.0."""

    def normal(match: re.Match[str]) -> str:
        distance = int(match[2]) * SECOND + int(match[3])
        return format_timestamp(-distance if match[1] else distance)

    return _LOOSE.sub(normal, text)


def _post_segment(document: Json) -> Json:
    if isinstance(document, list):
        raise Invalid("body", document, f"in version {VERSION} of the API it must be one Segment")
    for name in _TIMES if isinstance(document, dict) else ():
        if isinstance(document.get(name), str):
            document[name] = strict(document[name])
    return document


@each
def _post_webhook(document: Json) -> Json:
    refuse(document, _LATER, NEXT)
    return document


def _reword(name: str, value: str) -> str:
    return quote(strict(unquote_plus(value)), safe="") if name == "timerange" else value


def _keep(old: Flow, new: FlowMetadata) -> FlowMetadata:
    """An image that came back as the video that it was shown as is what it was."""
    essence = new.essence_parameters
    if old.format != ContentFormat.IMAGE or not isinstance(essence, VideoParameters):
        return new
    width, height, aspect = essence.frame_width, essence.frame_height, essence.aspect_ratio
    if essence != VideoParameters(
        frame_width=width, frame_height=height, aspect_ratio=aspect, vfr=True
    ):
        return new
    image = ImageParameters(frame_width=width, frame_height=height, aspect_ratio=aspect)
    return replace(new, format=ContentFormat.IMAGE, essence_parameters=image)


def _keep_webhook(old: Webhook, new: WebhookMetadata) -> WebhookMetadata:
    return replace(new, **{name: getattr(old, name) for name in _LATER})


STEP = Step(
    version=VERSION,
    absent=frozenset({"/service/storage-backends", "/objects/{}"}),
    answers={
        "service": _service,
        "flow": _formatted,
        "source": _formatted,
        "segment": _segment,
        "webhook": without(*_LATER),
    },
    requests={
        "segment": _post_segment,
        "storage": with_only("limit"),
        "webhook": _post_webhook,
    },
    reword=_reword,
    keep=_keep,
    keep_webhook=_keep_webhook,
)
