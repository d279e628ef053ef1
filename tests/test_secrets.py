"""Nothing in the project looks like a key that opens something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("tams", "docs", "tests", "bench", ".ci", ".github")
KEYS = re.compile(
    r"\b(?:AKIA|ASIA)(?!MADEUP)[A-Z0-9]{16}\b"  # AWS
    r"|\bAIza[A-Za-z0-9_-]{35}\b"  # Google
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"  # GitHub
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"  # a token
    r"|X-Amz-Credential=[A-Z0-9]{8,}(?:%2F|/)"
    r"|(?i:secret|access)_?(?i:access)?_?(?i:key)\w*[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9+/]{40}\b"
    r"|AccountKey=[A-Za-z0-9+/]{86}=="
)
LOOKS = {
    "AWS": "AKIA" + "Q" * 16,
    "Google": "AIza" + "q" * 35,
    "GitHub": "ghp_" + "q" * 36,
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMII",
    "token": "eyJ" + "q" * 12 + ".eyJ" + "q" * 12,
    "URL": "?X-Amz-Credential=" + "Q" * 20 + "%2F2025",
    "S3": 'S3_SECRET_ACCESS_KEY="' + "q" * 40 + '"',
    "VAST": "VAST_SECRET_KEY=" + "q" * 40,
    "JSON": '"secret_key": "' + "q" * 40 + '"',
    "Azure": "AccountKey=" + "q" * 86 + "==",
}


def files() -> Iterator[Path]:
    """All that is written by hand or generated here."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".env")
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file())


def test_l23_no_file_holds_what_looks_like_a_key():
    looked_at = 0
    for path in files():
        if path.suffix in {".pyc", ".sqlite", ".db"}:
            continue
        looked_at += 1
        found = KEYS.search(path.read_bytes().decode(errors="replace"))
        assert found is None, f"{path.relative_to(ROOT)}: {found[0][:12]}…"
    assert looked_at > 300


@pytest.mark.parametrize("kind", LOOKS)
def test_what_looks_like_a_key_would_be_found(kind):
    assert KEYS.search(LOOKS[kind])
