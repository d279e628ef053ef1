"""`tams ls`."""

from __future__ import annotations

import json

import pytest

FLOW = "9d4bd82b-1c3f-4f4b-8a66-3a3e8a7b2a01"


@pytest.fixture
def filled(store):
    store.sources["s"] = {"id": "s", "format": "urn:x-nmos:format:video", "label": "[bold]\x1b[1m"}
    store.flows[FLOW] = {
        "id": FLOW,
        "source_id": "s",
        "format": "urn:x-nmos:format:video",
        "codec": "video/h264",
        "container": "video/mp2t",
        "label": "Evening news",
    }
    store.segments[FLOW] = [
        {"object_id": f"object-{n % 4}", "timerange": f"[{n}:0_{n + 1}:0)", "ts_offset": "-1:5"}
        for n in range(5)
    ]
    return store


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["sources"], ["id format label collects", "s video [bold]�[1m"]),
        (["flows"], [FLOW, "video", "video/h264", "video/mp2t", "Evening news"]),
        (["segments", FLOW], ["[0:0_1:0)", "[4:0_5:0)", "object-3", "-1:5"]),
        (["objects", FLOW], ["object-0", "object-3"]),
    ],
)
def test_tables_show_what_the_server_holds(filled, tams, arguments, shown):
    result = tams("ls", *arguments)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for part in shown:
        assert part in text


def test_a_table_that_is_no_screen_is_not_cut(filled, tams):
    filled.flows[FLOW]["label"] = "x" * 300
    assert "x" * 300 in tams("ls", "flows").stdout


@pytest.mark.parametrize("noun", ["sources", "flows"])
def test_json_is_what_the_server_said(filled, tams, noun):
    assert json.loads(tams("ls", noun, "--json").stdout) == list(getattr(filled, noun).values())


def test_json_of_segments_follows_every_page(filled, tams):
    listed = json.loads(tams("ls", "segments", FLOW, "--json").stdout)
    assert [item["timerange"] for item in listed] == [
        item["timerange"] for item in filled.segments[FLOW]
    ]


def test_each_object_is_listed_once(filled, tams):
    listed = json.loads(tams("ls", "objects", FLOW, "--json").stdout)
    assert [item["id"] for item in listed] == [f"object-{n}" for n in range(4)]
    assert listed[0]["referenced_by_flows"] == [FLOW]


def test_json_of_nothing_is_an_empty_array(tams):
    assert json.loads(tams("ls", "flows", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["segments"], "FLOW: segments and objects need a Flow id"),
        (["flows", FLOW], "sources and flows take none"),
        (["segments", FLOW], f"there is no Flow {FLOW}"),
    ],
)
def test_a_failure_is_one_line_on_stderr(tams, arguments, said):
    result = tams("ls", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("tams: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_address_is_an_option_or_an_environment_variable(filled, tams, monkeypatch):
    assert FLOW in tams("ls", "flows").stdout
    monkeypatch.setenv("TAMS_API_BASE_URL", "http://127.0.0.1:9")
    assert FLOW in tams("ls", "flows", "--url", filled.url).stdout


def test_an_address_that_is_none_is_named(tams):
    result = tams("ls", "flows", "--url", "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("tams: url: it must be an address")
