"""What servers do wrong. Each fault is one thing; together they must show that each check can fail.

A fault leaves what checks prepare as it is (`test_no_fault_breaks_what_checks_prepare`), so that a
check fails by its own rule. One that breaks the preparations too is aimed, with `at`, at the checks
of these very steps. To add one: a line here, of the functions in `spoiling.py`.
"""

from __future__ import annotations

from tests.conformance.spoiling import (
    FLOWS,
    READS,
    SOURCES,
    adds,
    asked,
    changed,
    content,
    drops,
    forgets,
    header,
    ignores,
    misreads,
    pretends,
    says,
    status,
)

LISTS = (
    r"(GET|HEAD) /(sources|flows|flow-delete-requests|service/storage-backends|service/profiles)"
)
SEGMENTS = rf"{FLOWS}/segments"
PROFILES = r"/service/profiles/[^/]+"
WEBHOOKS = "/service/webhooks"
WEBHOOK = rf"{WEBHOOKS}/[^/]+"
OBJECTS = r"/objects/[^/]+"
INSTANCES = rf"{OBJECTS}/instances"
SERVICE = "GET /service"
BACKENDS = r"GET /service/storage-backends"
MEDIA = r"/media/.+"
DELETIONS = r"/flow-delete-requests"
DELETED = rf"DELETE ({FLOWS}|{SEGMENTS})"
PROPERTIES = rf"({FLOWS}|{SOURCES})/(?!segments|storage)[^/]+(/[^/]+)?"


def _reversed(value: object) -> object:
    return value[::-1] if isinstance(value, list) else value


def _first(value: object) -> object:
    return value[:1] if isinstance(value, list) else value


def _with_urls(value: object) -> object:
    return [one for one in value if one.get("get_urls")] if isinstance(value, list) else value


REFUSALS = (
    status(rf"PUT {FLOWS}", 400, 204),
    status(rf"PUT {FLOWS}", 404, 204),
    status(rf"PUT {PROPERTIES}", 400, 204),
    status(rf"PUT {PROPERTIES}", 404, 204),
    status(rf"DELETE {PROPERTIES}", 404, 204),
    status(rf"POST {SEGMENTS}", 400, 201),
    status(rf"POST {SEGMENTS}", 403, 201),
    status(rf"POST {SEGMENTS}", 404, 201),
    status(rf"DELETE {SEGMENTS}", 404, 204),
    status(rf"POST {FLOWS}/storage", 400, 201, {"media_objects": []}),
    status(rf"POST {FLOWS}/storage", 404, 201, {"media_objects": []}),
    status(rf"POST {INSTANCES}", 400, 201, {}),
    status(rf"DELETE {INSTANCES}", 400, 204),
    status("POST /service", 400, 200),
    status(f"POST {WEBHOOKS}", 400, 201, {}),
    status(f"PUT {WEBHOOK}", 400, 201, {}),
    status(rf"POST {PROFILES}", 400, 201, {}),
    status(READS, 400, 200, []),
    status(READS, 404, 200, {}),
    status(r"(PUT|POST|DELETE) .*", 405, 204),
    status(".*", 401, 200, {}),
    status(".*", 401, 403, {}),
    status(rf"(GET|PUT) {MEDIA}", 403, 200),
    status(rf"GET {MEDIA}", 404, 200),
    status(rf"DELETE {FLOWS}", 404, 204),
    status(rf"DELETE {FLOWS}", 403, 204),
    status(rf"PUT {MEDIA}", 400, 200),
)
"""Servers that take what must be refused, or find what is not there."""

IGNORED = tuple(
    ignores(operation, name)
    for operation, names in {
        READS: (
            "format",
            "codec",
            "status",
            "profile_id",
            "frame_(width|height)",
            "init_segments",
            "collected_by_ids",
            r"flow_tag\..*",
            "include_timerange",
            "timerange",
            "object_id",
            "include_object_timerange",
            "accept_get_urls",
            "accept_storage_ids",
            r"storage_backend_tag\..*",
            r"storage_backend_tag_exists\..*",
            "presigned",
            "verbose_storage",
            "limit",
            "page",
            "sort_by",
            "reverse_order",
        ),
        rf"DELETE {SEGMENTS}": ("timerange", "object_id"),
    }.items()
    for name in names
)
"""Servers that ignore a query parameter."""

MISREAD = (
    misreads(READS, "reverse_order=true", "reverse_order=false"),
    misreads(READS, "%29", "%5D"),
    misreads(READS, "%5D", "%29"),
    misreads(READS, r"timerange=%28%29", ""),
    misreads(READS, r"timerange=_", "timerange=%28%29"),
    misreads(rf"DELETE {SEGMENTS}", "%5D", "%29"),
    misreads(READS, r"%2C", ","),
    misreads(READS, r",[^&]*", ""),
)
"""Servers that take a query for another."""

NEVER_DONE = (
    pretends(rf"PUT {PROPERTIES}", 204),
    pretends(rf"DELETE {PROPERTIES}", 204),
    pretends(rf"DELETE {FLOWS}", 204),
    pretends(rf"DELETE {SEGMENTS}", 204),
    pretends(rf"POST {INSTANCES}", 201, {}),
    pretends(rf"DELETE {INSTANCES}", 204),
    pretends("POST /service", 200, {}),
    pretends(f"PUT {WEBHOOK}", 201, {}),
    pretends(f"DELETE {WEBHOOK}", 204),
    forgets(f"(POST {WEBHOOKS}|PUT {WEBHOOK})", "flow_ids", "source_ids"),
    forgets(f"(POST {WEBHOOKS}|PUT {WEBHOOK})", "accept_get_urls"),
    forgets(f"(POST {WEBHOOKS}|PUT {WEBHOOK})", "presigned"),
    forgets(rf"PUT {FLOWS}", "description"),
    forgets(rf"PUT {FLOWS}", "status"),
    forgets(rf"PUT {FLOWS}", "flow_collection"),
    forgets(rf"PUT {FLOWS}", "init_segments", "max_bit_rate", "generation"),
    forgets(rf"POST {SEGMENTS}", "ts_offset"),
    forgets(rf"POST {SEGMENTS}", "last_duration"),
    forgets(rf"POST {SEGMENTS}", "object_timerange"),
    forgets(rf"POST {SEGMENTS}", "get_urls"),
    forgets(rf"POST {FLOWS}/storage", "storage_id"),
    forgets(rf"POST {FLOWS}/storage", "object_ids"),
)
"""Servers that say yes and do nothing, or only a part."""

TOLD_WRONG = (
    changed("lists nothing", "GET /", lambda _: []),
    drops(SERVICE, "type"),
    drops(SERVICE, "min_presigned_url_timeout"),
    drops(SERVICE, "event_stream_mechanisms"),
    adds(SERVICE, event_stream_mechanisms=[{"name": "webhooks"}] * 2),
    says(SERVICE, type="urn:x-other:service"),
    says(SERVICE, api_version="8.2.0"),
    says(SERVICE, min_object_timeout="299:999999999"),
    says(SERVICE, min_presigned_url_timeout="999999:0"),
    drops(BACKENDS, "provider"),
    adds(BACKENDS, default_storage=True),
    changed("lists only the first", LISTS, _first),
    changed("lists in reverse", LISTS, _reversed),
    changed("lists in reverse", rf"GET {SEGMENTS}", _reversed),
    drops(rf"GET {SOURCES}|GET /sources", "source_collection"),
    drops(rf"GET {SOURCES}|GET /sources", "collected_by"),
    drops(rf"GET {SOURCES}", "updated"),
    drops(rf"GET {FLOWS}|GET /flows", "collected_by"),
    drops(rf"GET {FLOWS}|GET /flows", "metadata_version"),
    adds(rf"GET {FLOWS}", timerange="_"),
    asked("timerange", adds(rf"GET {FLOWS}", timerange="_")),
    says(rf"GET {FLOWS}", timerange="_"),
    says(rf"GET {FLOWS}", metadata_version="1", metadata_updated="2001-01-01T00:00:00Z"),
    says(rf"GET {FLOWS}", segments_updated="2001-01-01T00:00:00Z"),
    changed("is {}", rf"GET {PROPERTIES}", lambda _: {}),
    changed("is null", rf"GET {PROPERTIES}", lambda _: None),
    adds(f"GET {WEBHOOK}|GET {WEBHOOKS}", api_key_value="secret"),
    says(f"POST {WEBHOOKS}", id="43d7bde0-cfba-4060-85d3-005e2892875f"),
    drops(rf"(GET|POST) {PROFILES}", "flow_metadata"),
    says(rf"(GET|POST) {PROFILES}", label="another"),
    says(rf"POST {PROFILES}", id="43d7bde0-cfba-4060-85d3-005e2892875f"),
    drops(rf"GET {FLOWS}", "essence_parameters"),
    adds(rf"GET {FLOWS}", profile_id="43d7bde0-cfba-4060-85d3-005e2892875f"),
    drops(rf"GET {SEGMENTS}", "get_urls"),
    drops(rf"GET {SEGMENTS}", "ts_offset", "object_timerange"),
    changed("without URLs no Segment", rf"GET {SEGMENTS}", _with_urls),
    adds(rf"GET {SEGMENTS}", object_timerange="_"),
    adds(rf"POST {FLOWS}/storage", pre=[]),
    says(rf"GET {SEGMENTS}", timerange="[0:0_1:0]"),
    drops(rf"GET {OBJECTS}", "timerange"),
    drops(DELETED, "status"),
    says(rf"GET {DELETIONS}/[^/]+", delete_flow=True),
    says(rf"GET {DELETIONS}/[^/]+", id="43d7bde0-cfba-4060-85d3-005e2892875f"),
    says(rf"GET {DELETIONS}/[^/]+", timerange_remaining="_"),
    changed("lists nothing", rf"GET {DELETIONS}", lambda _: []),
    header(DELETED, "location", "/flow-delete-request/1"),
    drops(rf"GET {OBJECTS}", "get_urls"),
    says(rf"GET {OBJECTS}", referenced_by_flows=[]),
    content(rf"GET {MEDIA}", b"other bytes"),
    header(rf"GET {MEDIA}", "content-type", "text/plain"),
)
"""Servers that tell what is not so, or not all that is."""

HEADERS = (
    *(
        header(READS, name, false)
        for name, false in {
            "link": None,
            "x-paging-limit": "7777",
            "x-paging-nextkey": None,
            "x-paging-count": "7777",
            "x-paging-reverse-order": None,
            "x-paging-timerange": "_",
            "access-control-expose-headers": None,
        }.items()
    ),
    header("HEAD .*", "x-paging-count", None),
    header("HEAD .*", "content-type", "text/plain"),
)
"""Servers whose headers are wrong or missing."""

AIMED = (
    status(rf"DELETE {PROPERTIES}", 204, 404).at(97),
    status(f"PUT {WEBHOOK}", 201, 204).at(266),
    forgets(rf"PUT {FLOWS}", "tags").at(62, 99),
    forgets(rf"PUT {FLOWS}", "label").at(52, 63),
    ignores(READS, "label").at(50, 85, 91),
    ignores(READS, "source_id").at(85),
    ignores(READS, r"tag\..*").at(*range(99, 109), 18, 50, 85),
    ignores(READS, r"tag_exists\..*").at(50, 85, 107, 108),
    misreads(READS, r"(label|tag\.[^=]*)=([^&]{8})[^&]*", r"\1=\2").at(91, 105),
    forgets(rf"POST {FLOWS}/storage", "limit").at(204, 206, 216),
    status(rf"POST {SEGMENTS}", 201, 403).at(74),
)
"""Servers on which most checks cannot even begin."""

FAULTS = (
    *REFUSALS,
    *IGNORED,
    *MISREAD,
    *NEVER_DONE,
    *TOLD_WRONG,
    *HEADERS,
    *AIMED,
)
