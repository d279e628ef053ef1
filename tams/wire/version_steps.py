"""What a version of the API lacks of the one after it: changes of documents, each pure and small.

A document is a JSON value as it was parsed; a change may alter it in place and returns it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tams.domain.flows import Flow, FlowMetadata
from tams.domain.webhooks import Webhook, WebhookMetadata
from tams.errors import Invalid

Json = Any
Change = Callable[[Json], Json]
Keep = Callable[[Flow, FlowMetadata], FlowMetadata]
"""Gives a Flow's new metadata what the old had and clients of the version cannot say."""
KeepWebhook = Callable[[Webhook, WebhookMetadata], WebhookMetadata]
"""The same of a webhook."""
Reword = Callable[[str, str], str]
"""From the decoded name and the raw value of a query parameter to its raw value in the next one."""


def as_it_is(document: Json) -> Json:
    """No change."""
    return document


def _new(_: Flow, new: FlowMetadata) -> FlowMetadata:
    return new


def _new_webhook(_: Webhook, new: WebhookMetadata) -> WebhookMetadata:
    return new


def _raw(_: str, value: str) -> str:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From the next version down to this one, for answers and events; and up again, for requests.

    Changes are found by the noun of the document; those of answers may raise `NotFound` for what
    the version cannot show, those of requests `Invalid` for what it does not know. `absent` are
    templates of paths that came with the next version. If `clips`, `timerange` of a Flow ends where
    the `timerange` asked for does; if `webhooks_by_url`, POST changes or removes a webhook too.
    """

    version: str
    absent: frozenset[str] = frozenset()
    answers: Mapping[str, Change] = field(default_factory=dict)
    requests: Mapping[str, Change] = field(default_factory=dict)
    event: Change = as_it_is
    reword: Reword = _raw
    keep: Keep = _new
    keep_webhook: KeepWebhook = _new_webhook
    clips: bool = False
    webhooks_by_url: bool = False


def each(change: Change) -> Change:
    """The change of an object made to each of an array, and to nothing else."""

    def change_each(document: Json) -> Json:
        if isinstance(document, list):
            return [change_each(one) for one in document]
        return change(document) if isinstance(document, dict) else document

    return change_each


def without(*names: str) -> Change:
    """Leaves members out, of an object or of each in an array."""

    def leave_out(document: Json) -> Json:
        for name in names:
            document.pop(name, None)
        return document

    return each(leave_out)


def with_only(*names: str) -> Change:
    """Keeps members of these names alone."""
    return each(lambda document: {name: document[name] for name in names if name in document})


def refuse(document: Json, names: Collection[str], since: str, within: str = "") -> None:
    """Raise `Invalid` if an object has a member of these names, which came with a later version."""
    for name in names:
        if isinstance(document, dict) and name in document:
            rule = f"it must be left out, since it came with version {since} of the API"
            raise Invalid(f"{within}{name}", document[name], rule)
