"""Older versions of the API as translators: from this server's documents to theirs, and back.

What a version says goes down through a step for each version after it, what it hears goes up. No
framework is known here, and no service: `tams/dialects` asks, and the sender of events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, reduce
from urllib.parse import unquote_plus

from tams.domain.events import STANDARD_TYPES
from tams.domain.flows import Flow, FlowMetadata
from tams.domain.timerange import TimeRange
from tams.domain.webhooks import Webhook, WebhookMetadata
from tams.wire import version_6_0, version_7_0, version_8_0, version_8_1
from tams.wire.service import API_VERSION
from tams.wire.version_steps import Change, Json, Step, each

_STEPS = (version_8_1.STEP, version_8_0.STEP, version_7_0.STEP, version_6_0.STEP)
"""The newest first."""

VERSIONS = (*(step.version for step in reversed(_STEPS)), API_VERSION)

_FLOWS_AND_SOURCES = ("/flows/{}", "/sources/{}")
_PROPERTIES = ("label", "description", "max_bit_rate", "avg_bit_rate")
_ANSWERS = {
    ("GET", "/service"): "service",
    ("GET", "/service/storage-backends"): "backend",
    ("GET", "/service/webhooks"): "webhook",
    ("POST", "/service/webhooks"): "webhook",
    ("GET", "/service/webhooks/{}"): "webhook",
    ("PUT", "/service/webhooks/{}"): "webhook",
    ("GET", "/sources"): "source",
    ("GET", "/sources/{}"): "source",
    ("GET", "/flows"): "flow",
    ("GET", "/flows/{}"): "flow",
    ("PUT", "/flows/{}"): "flow",
    ("GET", "/flows/{}/flow_collection"): "member",
    ("GET", "/flows/{}/segments"): "segment",
    ("POST", "/flows/{}/storage"): "storage",
    ("GET", "/objects/{}"): "object",
    **{
        ("GET", f"{path}/{name}"): "property" for path in _FLOWS_AND_SOURCES for name in _PROPERTIES
    },
    **{("GET", f"{path}/tags"): "tags" for path in _FLOWS_AND_SOURCES},
    **{("GET", f"{path}/tags/{{}}"): "tag" for path in _FLOWS_AND_SOURCES},
}
"""The noun of what an operation answers with; of other answers all versions are the same."""

_REQUESTS = {
    ("PUT", "/flows/{}"): "flow",
    ("PUT", "/flows/{}/flow_collection"): "member",
    ("POST", "/flows/{}/segments"): "segment",
    ("POST", "/flows/{}/storage"): "storage",
    ("POST", "/service/webhooks"): "webhook",
    ("PUT", "/service/webhooks/{}"): "webhook",
    **{("PUT", f"{path}/tags/{{}}"): "tag" for path in _FLOWS_AND_SOURCES},
}
"""The same of what it is asked with."""

_EVENTS = {"flow": "flow", "source": "source", "segments": "segment"}
"""The noun of a member of an event."""


def template(path: str) -> str:
    """An undecoded path of the API with `{}` in the place of each id and name."""
    parts = path.split("/")
    for place in (3,) if parts[1:2] == ["service"] else (2, 4):
        if len(parts) > place:
            parts[place] = "{}"
    return "/".join(parts)


class Version:
    """One version of the API; the present one changes nothing but what `/service` says."""

    def __init__(self, name: str) -> None:
        self.name = name
        down = _STEPS[: VERSIONS[::-1].index(name)]
        self._up: tuple[Step, ...] = down[::-1]
        self._absent = {path for step in down for path in step.absent}
        self._answers = _changes([step.answers for step in down])
        self._answers["service"] = (self._present, *self._answers.get("service", ()))
        self._answers["webhook"] = (_standard, *self._answers.get("webhook", ()))
        self._requests = _changes([step.requests for step in self._up])
        self._clips = any(step.clips for step in down)
        self._events = [step.event for step in down]
        self.has_webhooks_by_url = any(step.webhooks_by_url for step in down)

    def _present(self, document: Json) -> Json:
        # Extensions are at the root alone, and with them all streams of events but webhooks.
        document.pop("extensions", None)
        streams = [one for one in document["event_stream_mechanisms"] if one["name"] == "webhooks"]
        return document | {"api_version": self.name, "event_stream_mechanisms": streams}

    def lacks(self, path: str) -> bool:
        """Whether a path that the standard has by now came later."""
        return template(path) in self._absent

    def answer(self, method: str, path: str) -> Change | None:
        """What makes this version's answer of ours, if they differ; it may raise `NotFound`."""
        changes = self._answers.get(_ANSWERS.get((method, template(path)), ""))
        return None if changes is None else lambda document: _changed(document, changes)

    def request(self, method: str, path: str) -> Change | None:
        """What makes our request of this version's, if they differ; it may raise `Invalid`."""
        changes = self._requests.get(_REQUESTS.get((method, template(path)), ""))
        return None if changes is None else lambda document: _changed(document, changes)

    def query(self, raw: str) -> str:
        """Our query string instead of this version's, both as they are sent."""
        if not raw or not self._up:
            return raw
        return "&".join(map(self._parameter, raw.split("&")))

    def _parameter(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        known = unquote_plus(name)
        for step in self._up:
            value = step.reword(known, value)
        return name + equals + value

    def clipped(self, document: Json, asked: TimeRange) -> Json:
        """A Flow whose `timerange` does not reach beyond the one that was asked for."""
        if self._clips and "timerange" in document:
            whole = TimeRange.parse(document["timerange"])
            document["timerange"] = str(whole.intersection(asked))
        return document

    def keep(self, old: Flow, new: FlowMetadata) -> FlowMetadata:
        """The new metadata of a Flow with what this version's clients cannot say of it."""
        return reduce(lambda found, step: step.keep(old, found), self._up, new)

    def keep_webhook(self, old: Webhook, new: WebhookMetadata) -> WebhookMetadata:
        """The same of a webhook."""
        beside = tuple(one for one in old.events if one not in STANDARD_TYPES)
        new = replace(new, events=(*new.events, *beside))
        return reduce(lambda found, step: step.keep_webhook(old, found), self._up, new)

    def event(self, document: Json) -> Json:
        """The body that webhooks of this version are sent instead of ours."""
        event = document["event"]
        for name, noun in _EVENTS.items():
            if name in event:
                event[name] = _changed(event[name], self._answers.get(noun, ()))
        return _changed(document, self._events)


@each
def _standard(webhook: Json) -> Json:
    """A webhook as the standard has it: without the events of extensions."""
    webhook["events"] = [one for one in webhook["events"] if one in STANDARD_TYPES]
    return webhook


def _changes(steps: list[Mapping[str, Change]]) -> dict[str, tuple[Change, ...]]:
    nouns = {noun for step in steps for noun in step}
    return {noun: tuple(step[noun] for step in steps if noun in step) for noun in nouns}


def _changed(document: Json, changes: Iterable[Change]) -> Json:
    return reduce(lambda found, change: change(found), changes, document)


@cache
def of_dialect(name: str | None) -> Version | None:
    """The version that a dialect of that name speaks, such as `v7.0`; None for any other."""
    number = (name or "").removeprefix("v")
    return Version(number) if number in VERSIONS else None
