"""Tags and the filters on them (TAMS 8.2 `tags`, ADR 0040)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tams.errors import NotFound

TagValue = str | tuple[str, ...]
Tags = Mapping[str, TagValue]


@dataclass(frozen=True, slots=True)
class TagFilter:
    """What a resource's tags must hold; all conditions combine by AND."""

    equals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → values, of which the tag, or one element of it, must equal one."""
    exists: Mapping[str, bool] = field(default_factory=dict)
    """Name → whether the tag must be present or absent."""

    def __bool__(self) -> bool:
        return bool(self.equals or self.exists)

    def accepts(self, tags: Tags) -> bool:
        """Whether a resource with these tags passes."""
        present = all((name in tags) is wanted for name, wanted in self.exists.items())
        return present and all(
            any(value in values for value in elements(tags.get(name, ())))
            for name, values in self.equals.items()
        )


def elements(value: TagValue) -> tuple[str, ...]:
    """The strings of a tag value."""
    return (value,) if isinstance(value, str) else value


def with_tag(tags: Tags, name: str, value: TagValue) -> Tags:
    """The tags with one created or replaced."""
    return {**tags, name: value}


def without_tag(tags: Tags, name: str) -> Tags:
    """The tags without one of them; raises `NotFound` if it is not there (decision on 103)."""
    if name not in tags:
        raise NotFound("tag", name)
    return {kept: value for kept, value in tags.items() if kept != name}
