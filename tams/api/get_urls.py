"""The query parameters that choose among the `get_urls` of Objects (statements 143 to 149)."""

from __future__ import annotations

from tams.api.query import Query
from tams.domain.storage import UrlFilter


def url_filter(query: Query) -> UrlFilter:
    """Which URLs are wanted; an empty `accept_get_urls` wants none, empty ids filter nothing."""
    labels = query.texts("accept_get_urls")
    return UrlFilter(
        labels=None if labels is None else frozenset(filter(None, labels)),
        storage_ids=query.uuids("accept_storage_ids") or None,
        presigned=query.flag("presigned"),
        backend_tags=query.tags("storage_backend_tag"),
    )
