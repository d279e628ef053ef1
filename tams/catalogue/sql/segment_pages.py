"""The statements of pages of Segments: written by hand, one text for each kind of page.

A condition on tags is a probe for each Segment. Where one asks that a tag be there, the page walks
along the Segments with that tag instead of along the Flow: with one value it costs what it shows,
with several, as much as there are such tags within the timerange, and with any, as much as there
are tags within it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product, starmap
from typing import Any, Literal, NamedTuple

from tams.catalogue.sql.objects import INIT_OBJECT
from tams.catalogue.sql.statements import Written
from tams.domain.tags import TagFilter

_LIVING_FLOW = "(SELECT pk FROM flow WHERE id = ?1 AND gone_at IS NULL)"
_TAKES_PART = "t.flow_pk = s.flow_pk AND t.start_ns = s.start_ns"
_FROM = f"""GREATEST(?5, coalesce((SELECT max(p.start_ns) FROM segment p
        WHERE p.flow_pk = {_LIVING_FLOW} AND p.start_ns <= ?2), ?2))"""

TagCondition = Literal["equal", "among", "present", "missing"]
"""What a tag must be: one value, one of several, any, or not there."""


class Shape(NamedTuple):
    """What makes the text of one page differ from that of another."""

    reverse: bool
    by_object: bool
    with_places: bool
    with_object: bool


def _page(shape: Shape, tags: Sequence[TagCondition] = ()) -> Written:
    """A page between ?2 and ?3, bounded on both sides: the predecessor of ?2 may reach into it.

    ?5 is where the page before ended; ?6 is the Object, if there is one, and the tags follow.
    """
    order = "DESC" if shape.reverse else "ASC"
    where = f"""s.flow_pk = {_LIVING_FLOW} AND s.start_ns < ?3 AND s.end_ns > ?2
    AND s.start_ns >= {_FROM}"""
    if shape.by_object:
        where += " AND s.object_pk = (SELECT pk FROM object WHERE id = ?6)"
    told = list(_conditions(tags, 7 if shape.by_object else 6))
    walked = next((each for each in told if each.condition != "missing"), None)
    where += "".join(f" AND {each.probe}" for each in told if each is not walked)
    columns = _columns(shape)
    if walked is None:
        index = " INDEXED BY segment_object" if shape.by_object else ""
        sqlite, in_order = f"segment s{index}", f"s.start_ns {order}"
        postgres, walk_order = "segment s", in_order
    else:
        sqlite, in_order = walked.walk, f"d.start_ns {order}"
        where += " AND s.start_ns = d.start_ns"
        postgres, walk_order = walked.walk_in_order(order)
    page = f"SELECT s.* FROM {postgres} WHERE {where} ORDER BY {walk_order} LIMIT ?4"
    return Written(
        f"""SELECT {columns}, {INIT_OBJECT.sqlite}
FROM {sqlite} CROSS JOIN object o ON o.pk = s.object_pk
WHERE {where} ORDER BY {in_order} LIMIT ?4""".replace("GREATEST(", "max("),
        _LIST.sub(
            r"unnest($\1::text[]) AS j(value)",
            f"""SELECT {columns}, {INIT_OBJECT.postgresql} FROM ({page}) s
CROSS JOIN LATERAL (SELECT * FROM object WHERE pk = s.object_pk OFFSET 0) o
ORDER BY s.start_ns {order}""",
        ).replace("?", "$"),
    )


_LIST = re.compile(r"json_each\(\?(\d+)\) AS j")


def _columns(shape: Shape) -> str:
    places = "o.storage_id, o.key, o.others" if shape.with_places else "NULL, NULL, NULL"
    covers = "o.start_ns, o.end_ns, o.end_inclusive" if shape.with_object else "NULL, NULL, NULL"
    return f"""s.start_ns, s.end_ns, s.end_inclusive, o.id, s.ts_offset, s.last_duration,
    s.sample_offset, s.sample_count, {covers}, o.key_frame_count, {places}"""


class _Told(NamedTuple):
    """A condition on a tag, as SQL says it."""

    condition: TagCondition
    name: str
    value: str

    @property
    def probe(self) -> str:
        """Whether a Segment `s` has, or has not, the tag."""
        named = f"t.name = {self.name}"
        if self.condition == "equal":
            named += f" AND t.value = {self.value}"
        elif self.condition == "among":
            named += f" AND t.value IN (SELECT j.value FROM json_each({self.value}) AS j)"
        exists = f"EXISTS (SELECT 1 FROM segment_tag t WHERE {_TAKES_PART} AND {named})"
        return f"NOT {exists}" if self.condition == "missing" else exists

    @property
    def walk(self) -> str:
        """The Segments `s` by `d`, in which each start with the tag is once."""
        return f"({self._starts}) d CROSS JOIN segment s"

    def walk_in_order(self, order: str) -> tuple[str, str]:
        """The same for PostgreSQL, and the order in which they come without being sorted.

        One value is told as bounds of a row, else another index may be taken, which holds all tags;
        and each Segment is probed for, else the whole Flow may be read for each tag.
        """
        probed = "CROSS JOIN LATERAL (SELECT * FROM segment WHERE flow_pk = {} AND {} OFFSET 0) s"
        probed = probed.format(_LIVING_FLOW, "start_ns = d.start_ns")
        if self.condition != "equal":
            return f"({self._starts}) d {probed}", f"d.start_ns {order}"
        row, told = "(t.name, t.value, t.start_ns)", f"{self.name}, {self.value}"
        in_order = ", ".join(f"{{0}}.{name} {order}" for name in ("name", "value", "start_ns"))
        return (
            f"""(SELECT t.name, t.value, t.start_ns FROM segment_tag t
    WHERE t.flow_pk = {_LIVING_FLOW} AND {row} >= ({told}, {_FROM}) AND {row} < ({told}, ?3)
    ORDER BY {in_order.format("t")} OFFSET 0) d {probed}""",
            in_order.format("d"),
        )

    @property
    def _starts(self) -> str:
        distinct, values, named = "DISTINCT", "", ""
        if self.condition == "equal":
            distinct, named = "", f" AND t.value = {self.value}"
        elif self.condition == "among":
            values, named = f"json_each({self.value}) AS j CROSS JOIN", " AND t.value = j.value"
        return f"""SELECT {distinct} t.start_ns FROM {values} segment_tag t
    WHERE t.flow_pk = {_LIVING_FLOW} AND t.name = {self.name}{named}
    AND t.start_ns < ?3 AND t.start_ns >= {_FROM}"""


def _conditions(tags: Sequence[TagCondition], first: int) -> Iterator[_Told]:
    at = first
    for condition in tags:
        yield _Told(condition, f"?{at}", f"?{at + 1}")
        at += 2 if condition in ("equal", "among") else 1


PAGES = {shape: _page(shape) for shape in starmap(Shape, product((False, True), repeat=4))}


@lru_cache(maxsize=256)
def _tagged(shape: Shape, tags: tuple[TagCondition, ...]) -> Written:
    return _page(shape, tags)


def tagged_page(shape: Shape, tags: TagFilter) -> tuple[Written, list[Any]]:
    """The statement of a page of Segments with such tags, and its parameters from the tags on."""
    conditions: list[TagCondition] = []
    parameters: list[Any] = []
    for name, values in tags.equals.items():
        is_one = len(values) == 1
        conditions.append("equal" if is_one else "among")
        parameters += [name, values[0] if is_one else list(values)]
    for name, wanted in tags.exists.items():
        conditions.append("present" if wanted else "missing")
        parameters.append(name)
    return _tagged(shape, tuple(conditions)), parameters
