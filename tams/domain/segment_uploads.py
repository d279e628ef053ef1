"""Segments that come with their bytes, in one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tams.domain.segments import NewSegment
from tams.domain.tags import Tags


class DeclaredSegment(NamedTuple):
    """A Segment as a form declares it; its `object_id` is empty where the server is to make one."""

    post: NewSegment
    tags: Tags


class UploadedFile(NamedTuple):
    """What a form says of a file before its bytes; `checksums` by lower-case header name."""

    content_type: str | None
    checksums: Mapping[str, str]
