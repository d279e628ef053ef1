"""Translators of older versions: pure, one step a version."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tams.errors import Invalid
from tams.wire.version_6_0 import strict
from tams.wire.version_7_0 import label_of
from tams.wire.versions import VERSIONS, of_dialect, template


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/service", "/service"),
        ("/service/webhooks", "/service/webhooks"),
        ("/service/webhooks/a", "/service/webhooks/{}"),
        ("/flows", "/flows"),
        ("/flows/a", "/flows/{}"),
        ("/flows/a/tags/b", "/flows/{}/tags/{}"),
        ("/flows/a/segments", "/flows/{}/segments"),
        ("/objects/a%2Fb", "/objects/{}"),
        ("/objects/a/instances", "/objects/{}/instances"),
        ("/flow-delete-requests/a", "/flow-delete-requests/{}"),
    ],
)
def test_a_path_has_its_template(path, expected):
    assert template(path) == expected


@pytest.mark.parametrize(
    ("loose", "expected"),
    [
        ("5:0", "5:0"),
        ("-0:5", "-0:5"),
        ("007:000000005", "7:5"),
        ("1:1500000000", "2:500000000"),
        ("-01:1500000000", "-2:500000000"),
        ("[00:0_010:00)", "[0:0_10:0)"),
        ("_", "_"),
        ("()", "()"),
        ("never", "never"),
    ],
)
def test_a_loose_time_is_written_strictly(loose, expected):
    assert strict(loose) == expected


@pytest.mark.parametrize("digits", ["9" * 41, "9" * 5000])
def test_what_no_store_could_hold_is_left_to_be_refused(digits):
    for text in (f"{digits}:0", f"-0:{digits}"):
        assert strict(text) == text


def test_the_present_version_changes_nothing_but_the_service():
    present = of_dialect("v8.2")
    for method, path in (("GET", "/flows/a"), ("GET", "/flows/a/segments"), ("POST", "/x")):
        assert present.answer(method, path) is None
        assert present.request(method, path) is None
    assert present.query("tag.a=b,c&timerange=007:0") == "tag.a=b,c&timerange=007:0"


def test_what_is_no_version_is_none():
    assert of_dialect(None) is of_dialect("vast") is of_dialect("v9.0") is None
    assert [of_dialect(f"v{name}").name for name in VERSIONS] == list(VERSIONS)


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("document", [None, 5, "a", [], [5], {}, {"tags": 5}, {"get_urls": [5]}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/flows/a"),
        ("PUT", "/flows/a/flow_collection"),
        ("PUT", "/flows/a/tags/b"),
        ("POST", "/flows/a/segments"),
        ("POST", "/flows/a/storage"),
        ("POST", "/service/webhooks"),
    ],
)
def test_whatever_is_asked_is_taken_or_refused(name, method, path, document):
    change = of_dialect(f"v{name}").request(method, path)
    if change is not None:
        with suppress(Invalid):
            change(document)


def test_parameters_are_reworded_whatever_their_names_are_encoded_as():
    oldest = of_dialect("v6.0")
    asked = "tag%2Ea=b,c&x=1,2&timerange=%5B01%3A0_02%3A0%29&limit"
    assert oldest.query(asked) == "tag%2Ea=b%2Cc&x=1,2&timerange=%5B1%3A0_2%3A0%29&limit"


def test_a_label_is_always_the_same_and_another_for_each_url():
    assert label_of("https://a") == label_of("https://a") != label_of("https://b")
