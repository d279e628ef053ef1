"""Paging as the standard writes it: `limit`, `page`, `Link` and the X-Paging headers (ADR 0010)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.requests import HTTPConnection

from tams.api.query import Query
from tams.domain.pages import Page, PageRequest, Sort
from tams.errors import Invalid

BASE_PATH = "tams.base_path"
"""In a request's scope: what was before `path`, such as `/v7.0`; missing at the root."""
_SCHEMES = {"ws": "http", "wss": "https"}
"""Of URLs that are given out over a WebSocket."""
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")


@dataclass(frozen=True, slots=True)
class PageSizes:
    """The limit of a listing that names none, and the largest one that is granted."""

    default: int = 100
    maximum: int = 1000

    def granted(self, query: Query) -> int:
        """The effective limit; raises `Invalid` below 1."""
        limit = query.integer("limit")
        if limit is None:
            return self.default
        if limit < 1:
            raise Invalid("limit", limit, "it must be 1 or more")
        return min(limit, self.maximum)

    def request(self, query: Query, sorts: Collection[Sort] = ()) -> PageRequest:
        """The part of a listing that a request wants, in one of the orders that it offers."""
        sort: Sort = "created"
        if sorts and (text := query.text("sort_by")) is not None:
            found = next((offered for offered in sorts if offered == text), None)
            if found is None:
                raise Invalid("sort_by", text, f"it must be one of {', '.join(sorts)}")
            sort = found
        return PageRequest(
            limit=self.granted(query),
            key=query.text("page"),
            reverse=query.flag("reverse_order") or False,
            sort=sort,
        )


def paging_headers(request: Request, asked: PageRequest, page: Page[Any]) -> dict[str, str]:
    """The headers that describe a page and lead to the next."""
    headers = {
        "X-Paging-Limit": str(asked.limit),
        "X-Paging-Count": str(len(page.items)),
        "X-Paging-Reverse-Order": "true" if asked.reverse else "false",
    }
    if page.next_key is not None:
        headers["X-Paging-NextKey"] = page.next_key
        headers["Link"] = f'<{_next_url(request, page.next_key)}>; rel="next"'
    return headers


def api_url(request: Request) -> str:
    """Where the caller reached the API: `base_url`, and the base path of a dialect, if any."""
    base_path: str = request.scope.get(BASE_PATH, "")
    return f"{base_url(request)}{base_path}"


def base_url(request: HTTPConnection) -> str:
    """Where the caller reached this server, without a slash at the end; media lie below it."""
    public_url: str = request.app.state.public_url
    host = request.headers.get("host", "")
    scheme = _SCHEMES.get(request.scope["scheme"], request.scope["scheme"])
    if public_url or _HOST.fullmatch(host) is None:
        return public_url or str(request.base_url.replace(scheme=scheme)).rstrip("/")
    return f"{scheme}://{host}{request.scope.get('root_path', '')}"


def _next_url(request: Request, key: str) -> str:
    raw = request.scope["query_string"].decode("latin-1").split("&")
    kept = [quote(pair, safe="%=:,._~!'()*+/?;@-") for pair in raw if _name(pair) != "page"]
    query = "&".join([*filter(None, kept), f"page={quote(key, safe='')}"])
    path = request.scope["path"]
    return f"{api_url(request)}{path}?{query}"


def _name(pair: str) -> str:
    return pair.partition("=")[0]
