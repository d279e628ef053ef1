"""Checksums, against digests that the standards of each give for known bytes."""

from __future__ import annotations

import pytest

from tams.errors import Invalid
from tams.storage.checksums import Checksums, named_checksums, told_checksums

# RFC 1321, FIPS 180, RFC 3720 and zlib for b"123456789", in base64.
KNOWN = {
    "content-md5": "JfnnlDI7RTiF9RgfG2JNCw==",
    "x-amz-checksum-sha1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
    "x-amz-checksum-sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
    "x-amz-checksum-crc32": "y/Q5Jg==",
    "x-amz-checksum-crc32c": "4waSgw==",
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_digests_pass_in_any_pieces(name: str) -> None:
    checksums = Checksums({name: KNOWN[name]})
    for piece in (b"1", b"", b"2345", b"6789"):
        checksums.update(piece)
    assert checksums.verified()[name] == KNOWN[name]


@pytest.mark.parametrize("name", KNOWN)
def test_one_wrong_bit_is_found(name: str) -> None:
    checksums = Checksums({name: KNOWN[name]})
    checksums.update(b"123456788")
    with pytest.raises(Invalid) as caught:
        checksums.verified()
    assert caught.value.field == name
    assert caught.value.value == KNOWN[name]


def test_the_md5_is_always_known() -> None:
    checksums = Checksums({})
    checksums.update(b"123456789")
    assert checksums.verified() == {"content-md5": KNOWN["content-md5"]}


@pytest.mark.parametrize(
    "value", ["", "!", "JfnnlDI7RTiF9RgfG2JNC", "y/Q5Jg==", "é" * 24, "a" * 32]
)
def test_a_malformed_digest_is_named(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        Checksums({"content-md5": value})
    assert (caught.value.field, caught.value.value) == ("content-md5", value)


def test_a_checksum_that_cannot_be_verified_is_refused() -> None:
    with pytest.raises(Invalid, match="x-amz-checksum-crc64nvme"):
        Checksums(named_checksums({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}))


def test_headers_that_only_speak_of_checksums_are_none() -> None:
    headers = {
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-type": "FULL_OBJECT",
        "content-type": "video/mp2t",
    }
    assert named_checksums(headers) == {}


def test_only_what_can_be_verified_counts_of_what_an_answer_tells():
    whole = {"content-md5": "ZMCp/d+JF/H+8WZ4tEzE2w==", "x-amz-checksum-crc32c": "AAAAAA=="}
    others = {
        "etag": '"abc"',
        "x-amz-checksum-sha256": "AAAA-3",
        "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=",
        "x-amz-checksum-type": "COMPOSITE",
    }
    assert told_checksums(whole | others) == whole
