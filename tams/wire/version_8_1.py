"""TAMS 8.1, as far as it is not 8.2: no Profiles, no init Objects, no `status`, roles for all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tams.domain.flows import Flow, FlowMetadata
from tams.domain.sources import ContentFormat
from tams.domain.webhooks import Webhook, WebhookMetadata
from tams.errors import Invalid, NotFound
from tams.wire.version_steps import Json, Step, each, refuse, without

VERSION, NEXT = "8.1", "8.2"
NO_ROLE = ""
"""Shown where a member of a collection has no role, which had to be there; read as none."""

_COLLECTED_BY = ("flow_collected_by_ids", "source_collected_by_ids")


def _flow(document: Json) -> Json:
    for name in ("status", "profile_id"):
        document.pop(name, None)
    essence = document.get("essence_parameters", {})
    essence.pop("init_segments", None)
    if document["format"] == ContentFormat.MULTI:
        document.pop("essence_parameters", None)
    _member(document.get("flow_collection", []))
    return document


def _source(document: Json) -> Json:
    _member(document.get("source_collection", []))
    return document


@each
def _member(document: Json) -> Json:
    document.setdefault("role", NO_ROLE)
    return document


@each
def _segment(document: Json) -> Json:
    document.pop("init_object", None)
    if document.get("object_timerange") == document["timerange"]:
        del document["object_timerange"]
    return _located(document)


def _located(document: Json) -> Json:
    for url in document.get("get_urls", ()):
        url.pop("tags", None)
    return document


def _object(document: Json) -> Json:
    if "timerange" not in document:
        raise NotFound("Object that holds media by the id", document["id"])
    document.pop("init_object", None)
    return _located(document)


def joined(value: Json) -> Json:
    """A tag's array of strings as the one string that older versions show, with commas."""
    return ",".join(value) if isinstance(value, list) else value


def _allocation(document: Json) -> Json:
    without("presigned")(document["media_objects"])
    return document


@each
def _put_flow(document: Json) -> Json:
    for name in ("status", "profile_id"):
        document.pop(name, None)
    if document.get("format") == ContentFormat.MULTI:
        document.pop("essence_parameters", None)
    essence = document.get("essence_parameters")
    refuse(essence, ("init_segments",), NEXT, "essence_parameters.")
    _put_member(document.get("flow_collection"))
    return document


@each
def _put_member(document: Json) -> Json:
    if document.get("role") == NO_ROLE:
        del document["role"]
    return document


@each
def _put_webhook(document: Json) -> Json:
    refuse(document, ("include_object_timerange",), NEXT)
    for name in _COLLECTED_BY:
        if document.get(name) == []:
            # From 8.2 on it means what nothing collects, which none of these clients can want.
            raise Invalid(name, [], "it must hold at least one, or nothing would be sent")
    return document


@each
def _webhook(document: Json) -> Json:
    document.pop("include_object_timerange", None)
    for name in _COLLECTED_BY:
        if document.get(name) == []:
            del document[name]
    return document


def _keep_webhook(old: Webhook, new: WebhookMetadata) -> WebhookMetadata:
    """With the filters that let only through what nothing collects, unless others are given."""
    hidden: dict[str, Any] = {
        name: ()
        for name in _COLLECTED_BY
        if getattr(old, name) == () and getattr(new, name) is None
    }
    return replace(new, include_object_timerange=old.include_object_timerange, **hidden)


def _keep(old: Flow, new: FlowMetadata) -> FlowMetadata:
    return replace(new, status=old.status, essence_parameters=_with_init_segments(old, new))


def _with_init_segments(old: Flow, new: FlowMetadata) -> Any:  # noqa: ANN401 - of any format
    before, after = old.essence_parameters, new.essence_parameters
    if old.format != new.format or before is None:
        return after
    if after is None:
        return before
    flag = getattr(before, "init_segments", None)
    return after if flag is None else replace(after, init_segments=flag)


STEP = Step(
    version=VERSION,
    absent=frozenset({"/service/profiles", "/service/profiles/{}"}),
    answers={
        "flow": each(_flow),
        "source": each(_source),
        "member": _member,
        "segment": _segment,
        "object": _object,
        "tag": joined,
        "backend": without("tags"),
        "storage": _allocation,
        "webhook": _webhook,
    },
    requests={
        "flow": _put_flow,
        "member": _put_member,
        "segment": without("init_object_id"),
        "storage": without("content_type", "presigned"),
        "webhook": _put_webhook,
    },
    keep=_keep,
    keep_webhook=_keep_webhook,
)
