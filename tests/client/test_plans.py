"""By what a file is known again."""

from __future__ import annotations

import hashlib

import pytest

from tams.client.plans import fingerprint
from tams.errors import MediaUnreadable


def test_the_fingerprint_is_the_sha256_of_the_content(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"media")
    assert fingerprint(file) == hashlib.sha256(b"media").hexdigest()


def test_what_has_no_bytes_has_none(tmp_path):
    with pytest.raises(MediaUnreadable, match=r"absent\.mp4: No such file"):
        fingerprint(tmp_path / "absent.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaUnreadable, match=r"empty\.mp4: it is empty"):
        fingerprint(tmp_path / "empty.mp4")
