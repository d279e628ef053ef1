"""Uploads for scripts that are not asynchronous."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from tams import DEFAULT_URL
from tams.client.client import TAMSClient
from tams.client.describing import Said
from tams.client.environment import connect
from tams.client.transfers import Watch
from tams.client.upload import (
    FLOW_NAME,
    SOURCE_NAME,
    TIMEOUT_S,
    Failure,
    Upload,
    Uploaded,
    media_in,
    series,
    upload_each,
    upload_file,
)
from tams.errors import TamsError

_log = structlog.get_logger(__name__)


class TAMSVideoUploader:
    """Uploads files to the server at `base_url`, as `tams upload` does; not for use in event loops.

    Without `base_url` it is TAMS_API_BASE_URL, else port 8000 of this machine. Credentials come as
    `token`, or from TAMS_API_TOKEN and its fellows. `timeout` is for each file, in seconds. What
    fails is logged, with the reason.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        token: str | None = None,
        timeout: float = TIMEOUT_S,
        watch: Watch = lambda _name, _moved, _size: None,
    ) -> None:
        self._base_url = base_url or os.environ.get("TAMS_API_BASE_URL") or DEFAULT_URL
        self._token = token
        self._timeout = timeout
        self._watch = watch

    def upload_video(
        self,
        video_path: str | Path,
        source_name: str = SOURCE_NAME,
        flow_name: str = FLOW_NAME,
        resolution: str | None = None,
        frame_rate: str | None = None,
        codec: str | None = None,
        *,
        container: str | None = None,
        duration: str | None = None,
        series_mode: bool = False,
    ) -> bool:
        """Upload one file; return whether it is on the server now.

        What is not said, such as `resolution="1920x1080"`, is asked of the file. In `series_mode`
        all files of one source name share one Source.
        """
        try:
            said = Said.parse(
                resolution=resolution,
                frame_rate=frame_rate,
                codec=codec,
                container=container,
                duration=duration,
            )
        except TamsError as error:
            _log.error("not uploaded", file=str(video_path), error=str(error))
            return False
        upload = Upload(
            file=Path(video_path),
            source_name=source_name,
            flow_name=flow_name,
            series=series_mode,
            said=said,
            timeout=self._timeout,
        )
        return self._upload([upload])

    def upload_series(
        self, base_source_name: str, video_directory: str | Path, flow_prefix: str = "Episode"
    ) -> bool:
        """Upload each `*.mp4` of a folder in the order of names; return whether all are there now.

        They share one Source; their Flows are `{flow_prefix} 01`, `02` … A file that fails is
        logged, and the others go on. There must be one file at least.
        """
        try:
            files = media_in(Path(video_directory), [".mp4"])
        except TamsError as error:
            _log.error("not uploaded", folder=str(video_directory), error=str(error))
            return False
        if not files:
            _log.error("there is nothing to upload", folder=str(video_directory), end=".mp4")
            return False
        return self._upload(series(base_source_name, files, flow_prefix, Said(), self._timeout))

    def _upload(self, uploads: Sequence[Upload]) -> bool:
        try:
            return not asyncio.run(self._run(uploads))
        except TamsError as error:
            _log.error("not uploaded", server=self._base_url, error=str(error))
            return False

    async def _run(self, uploads: Sequence[Upload]) -> list[Failure]:
        async with self._client() as client:
            return await upload_each(
                uploads, lambda upload: upload_file(client, upload, self._watch), _tell
            )

    def _client(self) -> TAMSClient:
        if self._token is not None:
            return TAMSClient(self._base_url, token=self._token)
        return connect(self._base_url, os.environ)


def _tell(upload: Upload, outcome: Uploaded | Failure) -> None:
    if isinstance(outcome, Failure):
        _log.error("not uploaded", file=str(upload.file), error=str(outcome.error))
        return
    for note in outcome.notes:
        _log.warning("uploaded, though", file=str(upload.file), note=note)
    _log.info("uploaded", file=str(upload.file), flow=outcome.flow_id, added=outcome.added)
