"""The statements of pages of Segments: written by hand, one text for each kind of page.

A condition on tags is a probe for each Segment. Where one asks that a tag be there, the page walks
along the Segments with that tag instead of along the Flow: with one value it costs what it shows,
with several, or with any, as much as there are such tags within the timerange.
"""

from __future__ import annotations

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
    where += "" if walked is None else " AND s.start_ns = d.start_ns"
    places = "o.storage_id, o.key, o.others" if shape.with_places else "NULL, NULL, NULL"
    covers = "o.start_ns, o.end_ns, o.end_inclusive" if shape.with_object else "NULL, NULL, NULL"
    columns = f"""s.start_ns, s.end_ns, s.end_inclusive, o.id, s.ts_offset, s.last_duration,
    s.sample_offset, s.sample_count, {covers}, o.key_frame_count, {places}"""
    index = "INDEXED BY segment_object" if shape.by_object and not walked else ""
    source, along = (f"segment s {index}", "s") if walked is None else (walked.walk, "d")
    page = f"SELECT s.* FROM {source} WHERE {where} ORDER BY {along}.start_ns {order} LIMIT ?4"
    return Written(
        f"""SELECT {columns}, {INIT_OBJECT.sqlite}
FROM {source} CROSS JOIN object o ON o.pk = s.object_pk
WHERE {where} ORDER BY {along}.start_ns {order} LIMIT ?4""".replace("GREATEST(", "max("),
        f"""SELECT {columns}, {INIT_OBJECT.postgresql} FROM ({page}) s
CROSS JOIN LATERAL (SELECT * FROM object WHERE pk = s.object_pk OFFSET 0) o
ORDER BY s.start_ns {order}""".replace("?", "$").replace(*_LISTS),
    )


_LISTS = ("IN (SELECT value FROM json_each(", "= ANY((")


class _Told(NamedTuple):
    """A condition on a tag, as SQL says it."""

    condition: TagCondition
    named: str

    @property
    def probe(self) -> str:
        """Whether a Segment `s` has, or has not, the tag."""
        exists = f"EXISTS (SELECT 1 FROM segment_tag t WHERE {_TAKES_PART} AND {self.named})"
        return f"NOT {exists}" if self.condition == "missing" else exists

    @property
    def walk(self) -> str:
        """The Segments `s` with the tag, by `d`, in which each start is once."""
        distinct = "" if self.condition == "equal" else "DISTINCT"
        return f"""(SELECT {distinct} t.start_ns FROM segment_tag t
    WHERE t.flow_pk = {_LIVING_FLOW} AND {self.named}
    AND t.start_ns < ?3 AND t.start_ns >= {_FROM}) d
CROSS JOIN segment s"""


def _conditions(tags: Sequence[TagCondition], first: int) -> Iterator[_Told]:
    at = first
    for condition in tags:
        named = f"t.name = ?{at}"
        if condition == "equal":
            named += f" AND t.value = ?{at + 1}"
        elif condition == "among":
            named += f" AND t.value IN (SELECT value FROM json_each(?{at + 1}))"
        yield _Told(condition, named)
        at += 2 if condition in ("equal", "among") else 1


@lru_cache(maxsize=64)
def _counted(tags: tuple[TagCondition, ...], *, by_object: bool) -> Written:
    """How many Segments there are between ?2 and ?3; ?4 is the Object, if there is one."""
    where = f"""s.flow_pk = {_LIVING_FLOW} AND s.start_ns < ?3 AND s.end_ns > ?2
    AND s.start_ns >= coalesce((SELECT max(p.start_ns) FROM segment p
        WHERE p.flow_pk = {_LIVING_FLOW} AND p.start_ns <= ?2), ?2)"""
    if by_object:
        where += " AND s.object_pk = (SELECT pk FROM object WHERE id = ?4)"
    told = _conditions(tags, 5 if by_object else 4)
    where += "".join(f" AND {each.probe}" for each in told)
    text = f"SELECT count(*) FROM segment s WHERE {where}"
    return Written(text, text.replace("?", "$").replace(*_LISTS))


PAGES = {shape: _page(shape) for shape in starmap(Shape, product((False, True), repeat=4))}


@lru_cache(maxsize=256)
def _tagged(shape: Shape, tags: tuple[TagCondition, ...]) -> Written:
    return _page(shape, tags)


def tagged_page(shape: Shape, tags: TagFilter) -> tuple[Written, list[Any]]:
    """The statement of a page of Segments with such tags, and its parameters from the tags on."""
    conditions, parameters = _asked(tags)
    return _tagged(shape, conditions), parameters


def count_of(tags: TagFilter | None, *, by_object: bool) -> tuple[Written, list[Any]]:
    """The statement that counts Segments with such tags, and its parameters from the tags on."""
    conditions, parameters = _asked(tags or TagFilter())
    return _counted(conditions, by_object=by_object), parameters


def _asked(tags: TagFilter) -> tuple[tuple[TagCondition, ...], list[Any]]:
    conditions: list[TagCondition] = []
    parameters: list[Any] = []
    for name, values in tags.equals.items():
        is_one = len(values) == 1
        conditions.append("equal" if is_one else "among")
        parameters += [name, values[0] if is_one else list(values)]
    for name, wanted in tags.exists.items():
        conditions.append("present" if wanted else "missing")
        parameters.append(name)
    return tuple(conditions), parameters
