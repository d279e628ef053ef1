"""Which statements, all of them of 8.2, can be checked on a server of an older version.

A statement is left to later versions if they brought it, or what its check makes or looks with.
"""

from __future__ import annotations

from collections.abc import Iterator

from tams.conformance.official import VERSIONS

_BROUGHT: dict[str, dict[str, str]] = {
    "7.0": {
        "storage backends and their URLs": "14-18, 143-147, 149-151",
        "several Segments in one request": "156-159, 165, 167, 190, 196-203",
        "ids and backends that clients choose": "205-207",
        "strict timestamps": "164, 189",
        "images": "55, 89",
        "Objects": "222, 228, 229",
        "tokens in the URL": "291",
    },
    "8.0": {
        "arrays of strings as tags": "43, 62, 72, 104, 105, 107, 109, 110",
        "variable frame rates": "56",
        "rules for what a PUT leaves out, and for Sources": "60, 66-69, 75-77",
        "URLs, times and counts of Objects": (
            "152, 154, 155, 168-170, 172, 173, 175-178, 185, 194, 195, 208, 209, 211, 217, 221, "
            "224, 230, 231"
        ),
        "instances of Objects": "232-236, 238-243",
        "one way to upload": "220",
        "Flows that cannot be deleted while read-only": "298",
        "webhooks with ids": "263-284, 286, 287, 289, 290",
    },
    "8.1": {
        "time-outs in the service": "2, 6-10",
        "timeranges that are not clipped": "83",
        "properties that are null": "94, 98, 260",
    },
    "8.2": {
        "Profiles": "19-40",
        "members without a role, in order": "46, 47, 112, 113, 119, 121",
        "init segments": (
            "58, 59, 90, 140, 141, 180-182, 191-193, 210, 218, 219, 223, 225-227, 237"
        ),
        "the status of a Flow": "63, 73",
        "filters by collector, and by tags of backends": "50, 85, 108, 122-124, 148, 285, 287",
        "one tag as an array": "99, 100",
        "the order of Segments": "127, 128",
        "times of Objects that are always shown": "137, 139, 179, 282",
        "presigned or not, as asked for": "212, 213",
        "sorting and paging of every list": "17, 18, 200, 244-250, 255, 258",
    },
}
"""What a version brought, and statements; of one that is named twice the latest counts."""


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(", "):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


SINCE: dict[int, tuple[str, str]] = {
    number: (version, what)
    for version, brought in _BROUGHT.items()
    for what, numbers in brought.items()
    for number in _numbers(numbers)
}
"""Of a statement, the first version in which it is checked, and what that has and others lack."""


def later(number: int, version: str) -> str | None:
    """Why a statement is not checked in a version; None if it is."""
    since, what = SINCE.get(number, (VERSIONS[0], ""))
    if VERSIONS.index(since) <= VERSIONS.index(version):
        return None
    return f"it needs {what}, which came with {since}"
