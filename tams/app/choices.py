"""Settings that choose among what the product has."""

from __future__ import annotations

from collections.abc import Sequence

from tams.errors import BadSettings


def chosen(variable: str, setting: str, names: Sequence[str]) -> Sequence[str]:
    """The names that `all`, `none` or a comma list stands for, in order; raises `BadSettings`."""
    asked = [name for part in setting.split(",") if (name := part.strip())]
    if asked in (["all"], ["none"]):
        return names if asked == ["all"] else ()
    unknown = [name for name in asked if name not in names]
    if unknown or not asked:
        raise BadSettings(
            f"{variable}: it must be all, none, or a comma list of {', '.join(names)}, "
            f"not {setting!r}"
        )
    return [name for name in names if name in asked]
