"""Tags of Segments: a row for each string, and one flag on the row of a Flow that has had any.

By that flag, deletions of Segments without tags need no statement more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tams.catalogue.promises.segment_tags import SegmentTags
from tams.catalogue.sql.connection import Connection, Row
from tams.catalogue.sql.segment_tag_schema import segment_tag
from tams.catalogue.sql.statements import Rows, Written
from tams.domain.flows import LockedFlow
from tams.domain.tags import Tags, TagValue

_STRING = -1
_GET = """SELECT start_ns, name, position, value FROM segment_tag
WHERE flow_pk = (SELECT pk FROM flow WHERE id = ?1 AND gone_at IS NULL) AND start_ns {}
ORDER BY start_ns, name, position"""
_STARTS = Written("IN (SELECT value FROM json_each(?2))", "= ANY($2::bigint[])")
_GET_TAGS = Written(_GET.format(_STARTS.sqlite), _GET.format(_STARTS.postgresql).replace("?", "$"))
_DROP = "DELETE FROM segment_tag WHERE flow_pk = {}1 AND start_ns {}"
_DROP_TAGS = Written(_DROP.format("?", _STARTS.sqlite), _DROP.format("$", _STARTS.postgresql))
_ADD_TAGS = Rows.inserted(segment_tag, "flow_pk", "name", "value", "start_ns", "position")
_MARK_FLOW = Written.same("UPDATE flow SET segment_tags = 1 WHERE pk = ?1")


class SQLSegmentTags(SegmentTags):
    """Tags in rows of their own, found by name and value or by Segment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, flow_id: str, starts: Iterable[int]) -> Mapping[int, Tags]:
        found: dict[int, dict[str, TagValue]] = defaultdict(dict)
        asked = (flow_id, list(starts))
        for start, name, position, value in await self._connection.fetch(_GET_TAGS, asked):
            before = found[start].get(name, ())
            found[start][name] = value if position == _STRING else (*before, value)
        return dict(found)

    async def replace(self, flow: LockedFlow, tags: Mapping[int, Tags]) -> None:
        counter = self._connection.counter("flow", flow.id)
        if counter.is_tagged:
            await drop_tags(self._connection, flow.key, list(tags))
        rows = [row for start, those in tags.items() for row in _rows(flow.key, start, those)]
        if rows and not counter.is_tagged:
            await self._connection.execute(_MARK_FLOW, (flow.key,))
            counter.is_tagged = True
        await self._connection.hold_rows(_ADD_TAGS, rows)


async def drop_tags(connection: Connection, flow_key: int, starts: Sequence[int]) -> None:
    """Drop the tags of the Segments of a Flow that begin there."""
    await connection.execute(_DROP_TAGS, (flow_key, starts))


def _rows(flow_key: int, start: int, tags: Tags) -> Iterator[Row]:
    for name, value in tags.items():
        if isinstance(value, str):
            yield flow_key, name, value, start, _STRING
        else:
            for position, element in enumerate(value):
                yield flow_key, name, element, start, position
