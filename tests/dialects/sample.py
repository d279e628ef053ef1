"""The vendor's client of ten steps, as a script would have it: plain requests, one class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

TIMEOUT_S = 60


class TAMSClient:
    """Makes Sources, Flows and Segments at a base URL, lists, fetches and deletes them."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()

    def create_source(self, source: dict[str, Any]) -> dict[str, Any]:
        return self._created(self.session.post(self._url("/sources"), json=source, **_PATIENT))

    def create_flow(self, flow: dict[str, Any]) -> dict[str, Any]:
        return self._created(self.session.post(self._url("/flows"), json=flow, **_PATIENT))

    def create_segment(self, flow_id: str, segment: dict[str, Any], path: Path) -> dict[str, Any]:
        with path.open("rb") as media:
            parts = {
                "segment": (None, json.dumps(segment), "application/json"),
                "file": (path.name, media, "video/mp4"),
            }
            url = self._url(f"/flows/{flow_id}/segments")
            return self._created(self.session.post(url, files=parts, **_PATIENT))

    def get(self, path: str) -> requests.Response:
        return self.session.get(self._url(path), **_PATIENT)

    def get_segments(self, flow_id: str) -> dict[str, Any]:
        answer = self.get(f"/flows/{flow_id}/segments")
        answer.raise_for_status()
        return answer.json()

    def delete_flow(self, flow_id: str, **how: Any) -> bool:
        return self._deleted(f"/flows/{flow_id}", how)

    def delete_source(self, source_id: str, **how: Any) -> bool:
        return self._deleted(f"/sources/{source_id}", how)

    def _deleted(self, path: str, how: dict[str, Any]) -> bool:
        asked = {"soft_delete": True, "cascade": True, "deleted_by": "test-user"} | how
        query = {name: str(value).lower() for name, value in asked.items()}
        answer = self.session.delete(self._url(path), params=query, **_PATIENT)
        return answer.status_code == 204 and answer.content == b""

    def _created(self, answer: requests.Response) -> dict[str, Any]:
        assert answer.status_code == 201, answer.text
        return answer.json()

    def _url(self, path: str) -> str:
        return f"{self.base_url}{path}"


_PATIENT: dict[str, Any] = {"timeout": TIMEOUT_S}
