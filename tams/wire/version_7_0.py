"""TAMS 7.0, as far as it is not 8.0: tags are strings, webhooks have no ids, video may lack a rate.

URLs belong to Segments and need no label; instances of Objects, and what an Object is but its
Flows, are unknown.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tams.domain.flows import Flow, FlowMetadata, VideoParameters
from tams.domain.sources import ContentFormat
from tams.domain.tags import Tags
from tams.domain.webhooks import Webhook, WebhookMetadata
from tams.errors import Invalid
from tams.wire.version_8_1 import joined
from tams.wire.version_steps import Json, Step, each, refuse, with_only, without

VERSION, NEXT = "7.0", "8.0"
WEBHOOK = (
    "url",
    "events",
    "api_key_name",
    "flow_ids",
    "source_ids",
    "flow_collected_by_ids",
    "source_collected_by_ids",
    "accept_get_urls",
    "accept_storage_ids",
    "presigned",
    "verbose_storage",
)
"""What a webhook shows."""

_LATER = ("id", "status", "error", "tags")
_DELETED, _ADDED = "flows/segments_deleted", "flows/segments_added"


def _tags(document: Json) -> Json:
    return {name: joined(value) for name, value in document.items()}


@each
def _tagged(document: Json) -> Json:
    if "tags" in document:
        document["tags"] = _tags(document["tags"])
    return document


@each
def _flow(document: Json) -> Json:
    document.get("essence_parameters", {}).pop("vfr", None)
    return _tagged(document)


def _put_tag(document: Json) -> Json:
    if isinstance(document, list):
        raise Invalid("tag", document, f"in version {VERSION} of the API it must be a string")
    return document


@each
def _put_flow(document: Json) -> Json:
    tags = document.get("tags")
    for value in tags.values() if isinstance(tags, dict) else ():
        _put_tag(value)
    essence = document.get("essence_parameters")
    if document.get("format") == ContentFormat.VIDEO and isinstance(essence, dict):
        refuse(essence, ("vfr",), NEXT, "essence_parameters.")
        if "frame_rate" not in essence:
            # Unknown and variable were one thing then (ADR 0041).
            essence["vfr"] = True
    return document


@each
def _post_segment(document: Json) -> Json:
    document.pop("object_timerange", None)
    places = document.get("get_urls")
    for place in places if isinstance(places, list) else ():
        if isinstance(place, dict) and isinstance(place.get("url"), str):
            place.setdefault("label", label_of(place["url"]))
    return document


def label_of(url: str) -> str:
    """The label of a URL that was registered without one, always the same."""
    return f"uncontrolled-{sha256(url.encode()).hexdigest()[:16]}"


@each
def _post_webhook(document: Json) -> Json:
    refuse(document, _LATER, NEXT)
    return document


def _event(document: Json) -> Json:
    if document["event_type"] == _DELETED:
        # The official documents of 6.0 and 7.0 have it so, by mistake, and receivers go by them.
        document["event_type"] = _ADDED
    return document


def _reword(name: str, value: str) -> str:
    return value.replace(",", "%2C") if name.startswith("tag.") else value


def _keep(old: Flow, new: FlowMetadata) -> FlowMetadata:
    before, after = old.essence_parameters, new.essence_parameters
    if isinstance(before, VideoParameters) and isinstance(after, VideoParameters):
        after = replace(after, vfr=_vfr(before, after))
    return replace(new, tags=_as_they_were(old.tags, new.tags), essence_parameters=after)


def _vfr(before: VideoParameters, after: VideoParameters) -> bool | None:
    """That a rate does not vary cannot be said, so it still holds of the same rate."""
    is_fixed = before.vfr is False and after.frame_rate == before.frame_rate
    return False if is_fixed else after.vfr


def _keep_webhook(old: Webhook, new: WebhookMetadata) -> WebhookMetadata:
    return replace(new, tags=old.tags)


def _as_they_were(old: Tags, new: Tags) -> Tags:
    """Arrays that came back as the string in which they were shown are what they were."""
    arrays = {name: value for name, value in old.items() if not isinstance(value, str)}
    return {
        name: arrays[name] if name in arrays and joined(list(arrays[name])) == value else value
        for name, value in new.items()
    }


STEP = Step(
    version=VERSION,
    absent=frozenset({"/objects/{}/instances", "/service/webhooks/{}"}),
    answers={
        "flow": _flow,
        "source": _tagged,
        "tags": _tags,
        "segment": without("object_timerange"),
        "object": with_only("id", "referenced_by_flows", "first_referenced_by_flow"),
        "webhook": with_only(*WEBHOOK),
    },
    requests={
        "flow": _put_flow,
        "tag": _put_tag,
        "segment": _post_segment,
        "webhook": _post_webhook,
    },
    event=_event,
    reword=_reword,
    keep=_keep,
    keep_webhook=_keep_webhook,
    webhooks_by_url=True,
)
