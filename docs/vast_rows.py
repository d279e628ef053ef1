"""The rows of the vendor system's inventory that are owed, and the tests that are named after them.

A test's name says which rows it holds: `test_a039_a081_a_put_replaces_all_tags`. No other
test's name may begin so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

_OWED = """
A-001 A-004 A-005 A-006 A-008 A-010 A-013 A-015 A-020 A-021 A-022 A-023 A-024 A-025 A-026 A-027
A-028 A-029 A-030 A-031 A-033 A-035 A-036 A-037 A-038 A-039 A-041 A-042 A-043 A-045 A-046 A-060
A-061 A-062 A-063 A-064 A-065 A-066 A-067 A-068 A-069 A-070 A-071 A-073 A-074 A-075 A-076 A-079
A-080 A-081 A-082 A-100 A-101 A-102 A-103 A-104 A-105 A-106 A-109 A-110 A-111 A-112 A-113 A-115
A-116 A-117 A-118 A-119 A-121 A-122 A-123 A-124 A-125 A-126 A-127 A-128 A-129 A-130 A-131 A-132
A-140 A-141 A-142 A-144 A-145 A-146 A-147 A-148 A-149 A-160 A-161 A-162 A-163 A-164 A-165 A-180
A-181 A-182 A-183 A-184 A-186 A-188 A-189 A-191 A-192 A-200 A-201 A-202 A-203
B-070 B-071 B-072 B-074 B-075 B-076 B-078 B-079 B-080 B-081 B-082 B-083 B-084 B-085 B-086 B-087
B-088
C-001 C-002 C-003 C-004 C-005 C-006 C-008 C-009 C-010 C-012 C-014 C-015 C-016 C-018 C-019 C-020
D-001 D-002 D-003 D-004 D-005 D-006 D-007 D-008 D-009 D-010 D-011 D-012 D-013 D-014 D-015 D-016
D-017 D-018
E-001 E-002 E-003 E-004 E-005 E-006 E-007 E-008 E-010 E-011 E-012 E-013 E-014 E-015 E-017 E-018
E-019 E-022
F-001 F-002 F-003 F-004 F-006 F-007 F-008 F-009 F-010 F-011 F-012 F-013 F-014 F-015 F-016 F-017
F-018
H-001 H-002 H-003 H-004 H-005 H-006 H-007 H-008 H-009 H-010 H-012 H-013 H-015 H-016 H-017 H-018
H-019 H-020 H-021 H-022 H-023 H-024 H-025 H-027 H-028 H-031 H-033 H-035
L-01 L-02 L-03 L-04 L-05 L-06 L-07 L-08 L-09 L-10 L-11 L-12 L-13 L-14 L-15 L-16 L-17 L-18 L-19
L-20 L-21 L-22 L-23
"""
OWED = tuple(re.findall(r"[A-L]-[0-9]+", _OWED))

EXCEPTIONS: Mapping[str, str] = {
    "A-203": "no library of Python is promised; each error of the API has one body, of one tree",
    "L-16": "there are no projections of tables, so none of columns that do not exist",
    "C-014": "WEBHOOK_TIMEOUT is known; deliveries are not counted but tried again for as long as "
    "TAMS_WEBHOOK_GIVE_UP says, since three failures on end are no reason to lose an event",
    "F-004": "--resolution stands for --frame-width and --frame-height, and --dry-run for --demo; "
    "what is not said is asked of the file, and the defaults are for one that cannot be asked",
    "F-009": "wrong usage shows the usage and exits with 2, as for each command here",
    "F-012": "one library, which asks again; the URL takes the bytes of any other (L-19)",
    "F-018": "`tams admin` has `migrate`, `check`, `gc`, `report`, `backup`, `restore`, `user`, "
    "`client` and `token`; the API document is made from the routes; nothing here drops all tables "
    "or fills them with inventions",
    "H-001": "the default is this machine alone, until TAMS_AUTH or --insecure says who may ask",
    "H-007": "understood; the start says that the catalogue it names is not there yet",
    "H-008": "understood; the start says that the catalogue they open is not there yet",
    "H-009": "understood; the start says that the catalogue it is part of is not there yet",
    "H-010": "understood; the start says that the catalogue it is part of is not there yet",
    "H-018": "the default is all of them, as in the standard",
    "H-020": "known, and said to be for a catalogue that is not there yet",
    "H-022": "every request is held to the standard; the start tells whoever asks for less",
    "H-023": "every request is held to the standard; the start tells whoever asks for less",
    "H-024": "errors are always told; there is no log of who changed what, and the start says so",
    "H-025": "nothing is cached, so that there is nothing to turn on; the start says so",
    "H-028": "credentials are off by default, and refused for pages of all sites, each of which "
    "could act as whoever looks at it",
    "H-031": "known, and the start says that there are no telemetry data yet",
    "A-105": "a key carries a mark besides (`docs/decisions/0006`), so that no late upload or "
    "clean-up reaches the bytes of another Object of that name; its ending follows the content "
    "type, which a file's name may contradict",
    "A-125": "`operation` is get_object or head_object: the bytes of a registered Object neither "
    "change nor go before it, and `POST /flows/{id}/storage` gives URLs to write new ones",
    "B-074": "what is known of a Segment stands in the catalogue alone: beside the bytes it could "
    "only be right for the first of their Segments, and a PUT URL would have to sign it",
    "B-075": "a key carries a mark besides, and ends as its content type has it: see A-105",
    "B-078": "one setting is the least time of both, as `GET /service` tells one; `…/url` takes "
    "any other",
    "B-082": "no URL is kept back: clients choose among them, by `accept_get_urls` for one",
    "B-085": "Storage Backends are set at deployment and read-only over the API, as the standard "
    "has it; an unknown id is refused rather than taken for the default",
    "B-088": "no class of Python is promised; `TAMS_STORAGE` alone sets up a backend, and a start "
    "fails that cannot list, write, read and remove there",
    "C-012": "`event` holds what the standard says, which clients of both read: the Flow or "
    "Source, or its id; type and time stand beside it, and the event's id in a header.",
    "C-015": "The caller's name is stored; without authentication there is none, rather than "
    "`system`, and nobody can name another owner, since nothing would check that.",
    "C-018": "Unknown types are refused; the id of an event is its place in the log and its time, "
    "so that a client can go on from it, which it could not from a UUID.",
    "C-020": "Dotted names are understood in filters; what is told has the standard's names, so "
    "that one client reads webhooks and streams alike.",
    "D-016": "bytes are those that Objects have, and not guessed from frames and samples",
    "D-018": "a question about numbers sets nothing: `/metrics` will ask by itself when it comes",
}
"""Rows that are not kept as they stand, and why."""

_NAMED = re.compile(r"test((?:_[a-fhl]\d{2,3})+)_(.+)")


class Holding(NamedTuple):
    """A test that is named after a row."""

    row: str
    says: str
    file: str


def holdings() -> Iterator[Holding]:
    """Every test that is named after rows, once for each."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            named = _NAMED.fullmatch(node.name)
            for row in named[1].split("_")[1:] if named else ():
                says = named[2].replace("_", " ") if named else ""
                yield Holding(f"{row[0].upper()}-{row[1:]}", says, f"{path.relative_to(ROOT)}")


def missing() -> list[str]:
    """Owed rows that no test is named after, and that are no exception either."""
    held = {holding.row for holding in holdings()}
    return [row for row in OWED if row not in held and row not in EXCEPTIONS]


def unknown() -> list[str]:
    """Names of rows in the names of tests that are in no list, such as those mistyped."""
    return sorted({holding.row for holding in holdings()} - set(OWED))


def page() -> str:
    """The table of `docs/vast-tams.md`."""
    found: dict[str, list[Holding]] = {}
    for holding in holdings():
        found.setdefault(holding.row, []).append(holding)
    rows = [
        "# VAST TAMS, row by row",
        "",
        "What the vendor system's documents describe, by the numbers of its inventory; and the",
        "tests that are named after each. The [extensions](extensions.md) say how to use it.",
        "",
        "| row | verdict | what is held | tests |",
        "|---|---|---|---|",
    ]
    for row in OWED:
        held = found.get(row, ())
        verdict = "kept" if held else "open"
        says = "; ".join(dict.fromkeys(holding.says for holding in held))
        if row in EXCEPTIONS:
            verdict, says = "not as written", EXCEPTIONS[row]
        files = ", ".join(
            f"[{Path(file).name}](../{file})"
            for file in dict.fromkeys(holding.file for holding in held)
        )
        rows.append(f"| {row} | {verdict} | {says} | {files} |")
    return "\n".join([*rows, ""])
