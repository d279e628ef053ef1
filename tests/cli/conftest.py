"""A small store over real HTTP, in a thread of its own, as the commands see one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aiohttp import web

from tams.cli import main
from tams.domain.timerange import EMPTY, TimeRange
from tests.clips import Clip, write_clip

PAGE = 3


class Store:
    """Flows, Segments and bytes in memory.

    Uploads are answered with the statuses `first_answers` until none is left.
    From `refuse_uploads_after` on it takes no bytes; the first uploads wait until they meet; from
    `stall_uploads_after` on, an upload sets `stalled` and is not answered until the end.
    """

    def __init__(self) -> None:
        self.url = ""
        self.flows: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.segments: dict[str, list[dict[str, Any]]] = {}
        self.objects: dict[str, bytes | None] = {}
        self.content_types: dict[str, str] = {}
        self.uploads = 0
        self.downloads: list[str] = []
        self.flow_puts = 0
        self.requests: list[tuple[str, str]] = []
        self.upload_headers: list[dict[str, str]] = []
        self.first_answers: list[int] = []
        self.batches: list[int] = []
        self.refuse_uploads_after: int | None = None
        self.uploads_meet: asyncio.Barrier | None = None
        self.stall_uploads_after: int | None = None
        self.stalled = threading.Event()
        self.released = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 28, middlewares=[self._noted])
        app.add_routes(
            [
                web.get("/sources", self.list_sources),
                web.get("/sources/{id}", self.get_source),
                web.put("/sources/{id}/{name}", self.put_source_property),
                web.get("/flows", self.list_flows),
                web.get("/flows/{id}", self.get_flow),
                web.put("/flows/{id}", self.put_flow),
                web.post("/flows/{id}/storage", self.allocate),
                web.get("/flows/{id}/segments", self.list_segments),
                web.post("/flows/{id}/segments", self.add_segments),
                web.put("/flows/{id}/{name}", self.put_flow_property),
                web.get("/objects/{id}", self.get_object),
                web.put("/media/{id}", self.put_bytes),
                web.get("/media/{id}", self.get_bytes),
            ]
        )
        return app

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        return await handler(request)

    async def get_source(self, request: web.Request) -> web.Response:
        source = self.sources.get(request.match_info["id"])
        if source is None:
            return web.json_response({"detail": "there is no such Source"}, status=404)
        return web.json_response(source)

    async def list_sources(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.sources.values()))

    async def put_source_property(self, request: web.Request) -> web.Response:
        source = self.sources[request.match_info["id"]]
        source[request.match_info["name"]] = await request.json()
        return web.Response(status=204)

    async def list_flows(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.flows.values()))

    async def get_flow(self, request: web.Request) -> web.Response:
        flow_id = request.match_info["id"]
        if flow_id not in self.flows:
            return web.json_response({"detail": f"there is no Flow {flow_id}"}, status=404)
        flow = self.flows[flow_id]
        if "include_timerange" not in request.query:
            return web.json_response(flow)
        found = [TimeRange.parse(item["timerange"]) for item in self._overlapping(request)]
        envelope = TimeRange(found[0].start, found[-1].end) if found else EMPTY
        return web.json_response(flow | {"timerange": str(envelope)})

    def _overlapping(self, request: web.Request) -> list[dict[str, Any]]:
        wanted = TimeRange.parse(request.query.get("timerange", "_"))
        held = self.segments.get(request.match_info["id"], [])
        return [item for item in held if TimeRange.parse(item["timerange"]).overlaps(wanted)]

    async def put_flow(self, request: web.Request) -> web.Response:
        flow = await request.json()
        self.flow_puts += 1
        self.flows[flow["id"]] = flow
        source = {"id": flow["source_id"], "format": flow["format"]}
        self.sources.setdefault(flow["source_id"], source)
        return web.json_response(flow, status=201)

    async def put_flow_property(self, request: web.Request) -> web.Response:
        self.flows[request.match_info["id"]][request.match_info["name"]] = await request.json()
        return web.Response(status=204)

    async def allocate(self, request: web.Request) -> web.Response:
        flow = self.flows[request.match_info["id"]]
        # Like any server, it may give fewer than were asked for.
        asked = await request.json()
        ids = [str(uuid4()) for _ in range(min(asked["limit"], PAGE))]
        self.objects.update(dict.fromkeys(ids))
        content_type = asked.get("content_type", flow["container"])
        self.content_types.update(dict.fromkeys(ids, content_type))
        given = [
            {
                "object_id": object_id,
                "put_url": {
                    "url": f"http://{request.host}/media/{object_id}",
                    "content-type": content_type,
                },
                "presigned": True,
            }
            for object_id in ids
        ]
        return web.json_response({"media_objects": given}, status=201)

    async def list_segments(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.flows:
            return web.json_response({"detail": "there is no such Flow"}, status=404)
        found = [_listed(request, segment) for segment in self._overlapping(request)]
        first = int(request.query.get("page", "0"))
        headers = {}
        if first + PAGE < len(found):
            link = request.url.update_query(page=str(first + PAGE))
            headers["Link"] = f'<{link}>; rel="next"'
        return web.json_response(found[first : first + PAGE], headers=headers)

    async def add_segments(self, request: web.Request) -> web.Response:
        held = self.segments.setdefault(request.match_info["id"], [])
        failed = []
        batch = await request.json()
        self.batches.append(len(batch))
        for segment in batch:
            timerange = TimeRange.parse(segment["timerange"])
            if segment in held:
                continue
            named = {segment["object_id"], segment.get("init_object_id", segment["object_id"])}
            if any(self.objects.get(object_id) is None for object_id in named) or any(
                TimeRange.parse(other["timerange"]).overlaps(timerange) for other in held
            ):
                error = {"type": "x", "summary": "it overlaps", "time": "x"}
                failed.append({"object_id": segment["object_id"], "error": error})
            else:
                held.append(segment)
        held.sort(key=lambda segment: TimeRange.parse(segment["timerange"]).start)
        if failed:
            return web.json_response({"failed_segments": failed})
        return web.json_response(None, status=201)

    async def get_object(self, request: web.Request) -> web.Response:
        object_id = request.match_info["id"]
        flows = [
            flow_id
            for flow_id, segments in self.segments.items()
            if any(segment["object_id"] == object_id for segment in segments)
        ]
        urls = _get_urls(request, object_id)
        return web.json_response({"id": object_id, "referenced_by_flows": flows} | urls)

    async def put_bytes(self, request: web.Request) -> web.Response:
        content = await request.read()
        self.upload_headers.append({name.lower(): text for name, text in request.headers.items()})
        if self.first_answers:
            error = "<Error><Code>SignatureDoesNotMatch</Code></Error>"
            return web.Response(text=error, status=self.first_answers.pop(0))
        if self.uploads_meet is not None:
            async with asyncio.timeout(10):
                await self.uploads_meet.wait()
            self.uploads_meet = None
        if self.stall_uploads_after is not None and self.uploads >= self.stall_uploads_after:
            self.stalled.set()
            await self.released.wait()
        if self.refuse_uploads_after is not None and self.uploads >= self.refuse_uploads_after:
            return web.json_response({"detail": "the disk is full"}, status=507)
        self.uploads += 1
        self.objects[request.match_info["id"]] = content
        return web.Response()

    async def get_bytes(self, request: web.Request) -> web.Response:
        object_id = request.match_info["id"]
        self.downloads.append(object_id)
        content = self.objects[object_id]
        if content is None:
            return web.json_response({"detail": "there are no bytes"}, status=404)
        return web.Response(body=content)


def _get_urls(request: web.Request, object_id: str) -> dict[str, Any]:
    if request.query.get("accept_get_urls") == "":
        return {}
    return {"get_urls": [{"url": f"http://{request.host}/media/{object_id}"}]}


def _listed(request: web.Request, segment: dict[str, Any]) -> dict[str, Any]:
    """Return a Segment as it is read: an init Object is posted by its id alone."""
    shown = segment | _get_urls(request, segment["object_id"])
    init_id = shown.pop("init_object_id", None)
    if init_id is None:
        return shown
    return shown | {"init_object": {"object_id": init_id} | _get_urls(request, init_id)}


@pytest.fixture
def store() -> Iterator[Store]:
    """Serve a Store on the loopback until the test ends."""
    store = Store()
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(store.app())

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield store
    loop.call_soon_threadsafe(store.released.set)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


class Run(NamedTuple):
    """How a command ended, and what it said."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run one command as a shell would, in this process."""

    def run(*arguments: str) -> Run:
        monkeypatch.setattr("sys.argv", ["tams", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Run(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def tams(store: Store, shell, monkeypatch: pytest.MonkeyPatch):
    """Run one command against the Store."""
    monkeypatch.setenv("TAMS_API_BASE_URL", store.url)
    return shell


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a clip of a name and a content once, and gives its path."""
    written: dict[tuple[str, Clip], Path] = {}

    def write(name: str, **wishes: Any) -> Path:
        wanted = (name, Clip(**wishes))
        if wanted not in written:
            path = tmp_path_factory.mktemp("clip") / name
            written[wanted] = write_clip(path, wanted[1])
        return written[wanted]

    return write
