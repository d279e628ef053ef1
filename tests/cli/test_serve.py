"""`tams serve` as a process: what it says, what stops its start, and how it ends.

Issue: the first three sentences under "The command line".
"""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.durability.client import Client
from tests.durability.flow import allocate, list_segments, make_flow
from tests.durability.process import DEADLINE_S, TAMS, environment, server_process
from tests.receivers import noting

FOREVER = "3600"
CONTENT = bytes(range(256)) * 512
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PASSWORD = "correct-horse"


class HalfSent:
    """A request whose body the server has begun to read, and of which it has one half."""

    def __init__(self, base: str, method: str, url: str, body: bytes, media_type: str) -> None:
        self._rest = body[len(body) // 2 :]
        self._connection = HTTPConnection(urlsplit(base).netloc, timeout=DEADLINE_S)
        parts = urlsplit(url)
        self._connection.putrequest(method, f"{parts.path}?{parts.query}")
        for name, value in {
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
            "Expect": "100-continue",
        }.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        assert self._connection.sock.recv(len(CONTINUE)) == CONTINUE
        self._connection.send(body[: len(body) // 2])

    def __enter__(self) -> HalfSent:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def finish(self) -> int:
        """Send the other half; the status of the answer."""
        self._connection.send(self._rest)
        return self._connection.getresponse().status


def watch_refusals(url: str, seconds: float) -> None:
    """Connect until nobody listens there any more, and see for a while that it stays so."""
    refused: float | None = None
    end = monotonic() + DEADLINE_S
    while refused is None or monotonic() < refused + seconds:
        if monotonic() > end:
            raise AssertionError(f"{url} still listens")
        listens = connects(url)
        assert not (listens and refused), f"{url} listens again"
        if not listens:
            refused = refused or monotonic()


def connects(url: str) -> bool:
    """Whether a connection is taken."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=DEADLINE_S).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def test_it_prints_its_url_where_data_lies_and_that_authentication_is_off(tmp_path: Path) -> None:
    """`tams serve` prints its URL, where data lies, that authentication is off."""
    with server_process(tmp_path, "") as server:
        with Client(server.url) as client:
            assert client.ask("GET", "/service").status == 200
        assert server.stop() == 0
    data = tmp_path / "data"
    assert server.said.splitlines() == [
        f"TAMS API     {server.url}",
        f"documents    {server.url}/docs",
        f"catalogue    sqlite:///{data}/catalogue.sqlite",
        f"media        {data}/media",
        "authentication is off: whoever reaches this address may do everything",
    ]
    assert (data / "catalogue.sqlite").is_file()


def test_it_prints_each_folder_that_tams_storage_names(tmp_path: Path) -> None:
    """Storage backends come from `TAMS_STORAGE`; where data lies is said of each."""
    file = tmp_path / "storage.toml"
    folders = [tmp_path / "hot media", tmp_path / "cold"]
    file.write_text("\n".join(f'[[backend]]\nurl = "{each.as_uri()}"' for each in folders))
    with server_process(tmp_path, "", storage=str(file)) as server, Client(server.url) as client:
        assert len(client.ask("GET", "/service/storage-backends").json) == 2
        assert server.stop() == 0
    assert [line for line in server.said.splitlines() if line.startswith("media")] == [
        f"media        {folder}" for folder in folders
    ]


async def test_a_url_in_an_event_leads_to_the_port_that_was_free(tmp_path: Path) -> None:
    """Port 0 takes a free one, and whoever a webhook tells of a Segment finds its media there."""
    settings = {"webhook_allow": "127.0.0.1", "worker_interval": "0.05"}
    async with noting() as receiver:
        with server_process(tmp_path, "", **settings) as server, Client(server.url) as client:
            flow_id = make_flow(client)
            (item,) = allocate(client, flow_id, 1)
            assert client.upload(item["put_url"], [CONTENT], len(CONTENT)).status == 200
            webhook = {"url": receiver.url, "events": ["flows/segments_added"]}
            assert client.ask("POST", "/service/webhooks", webhook).status == 201
            segment = {"object_id": item["object_id"], "timerange": "[0:0_1:0)"}
            assert client.ask("POST", f"/flows/{flow_id}/segments", segment).status == 201
            await receiver.until(lambda: bool(receiver.accepted))
            [(_, told)] = receiver.accepted
            [url] = told["event"]["segments"][0]["get_urls"]
            assert url["url"].startswith(f"{server.url}/media/")
            assert client.ask("GET", url["url"]).body == CONTENT


def test_beyond_loopback_it_listens_if_told_that_this_is_insecure(tmp_path: Path) -> None:
    """It refuses to listen beyond loopback without authentication unless `--insecure`."""
    options = ("--host", "0.0.0.0")
    refused = start(tmp_path, *options)
    assert refused.returncode == 1
    assert refused.stderr == (
        "tams: TAMS_HOST: 0.0.0.0 can be reached from other machines, and authentication is off; "
        "set TAMS_AUTH, listen on 127.0.0.1, or say --insecure\n"
    )
    with server_process(tmp_path, "", options=(*options, "--insecure")) as server:
        with Client(server.url) as client:
            assert client.ask("GET", "/service").status == 200
        assert server.stop() == 0
    assert "authentication is off" in server.said


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "1"), (signal.SIGTERM, "2")]
)
def test_what_is_under_way_at_a_signal_is_answered(
    tmp_path: Path, number: int, workers: str
) -> None:
    """It drains on SIGTERM, and on Ctrl-C: half-sent requests are answered, new ones refused."""
    with (
        server_process(tmp_path, "", shutdown_grace=FOREVER, workers=workers) as server,
        Client(server.url) as idle,
    ):
        flow_id = make_flow(idle)
        (item,) = allocate(idle, flow_id, 1)
        body = segments_body(3000)
        put, post = item["put_url"], f"/flows/{flow_id}/segments"
        with (
            HalfSent(server.url, "PUT", put["url"], CONTENT, put["content-type"]) as upload,
            HalfSent(server.url, "POST", post, body, "application/json") as batch,
        ):
            server.signal(number)
            watch_refusals(server.url, seconds=1)
            assert upload.finish() == 200
            assert batch.finish() == 201
        assert server.wait() == 0
    assert "Traceback" not in server.said
    with server_process(tmp_path, "") as again, Client(again.url) as client:
        assert len(list_segments(client, flow_id)) == 3000
        segment = {"object_id": item["object_id"], "timerange": "[-1:0_0:0)"}
        assert client.ask("POST", post, segment).status == 201
        url = list_segments(client, flow_id)[0].url
        assert client.ask("GET", url or "").body == CONTENT


def segments_body(number: int) -> bytes:
    """Segments of external Objects, one a second from 0:0."""
    items = (
        f'{{"object_id": "external {at}", "timerange": "[{at}:0_{at + 1}:0)",'
        f' "get_urls": [{{"url": "https://media.example/{at}", "label": "x"}}]}}'
        for at in range(number)
    )
    return f"[{','.join(items)}]".encode()


def test_what_takes_longer_than_the_grace_is_given_up_and_leaves_nothing(tmp_path: Path) -> None:
    """Draining ends: an upload that stalls for ever is cut off, and nothing of it is left."""
    with server_process(tmp_path, "", shutdown_grace="0") as server, Client(server.url) as client:
        flow_id = make_flow(client)
        (item,) = allocate(client, flow_id, 1)
        put = item["put_url"]
        with HalfSent(server.url, "PUT", put["url"], CONTENT, put["content-type"]):
            assert server.stop() == 0
    assert [path for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("number", "workers", "status"),
    [
        (signal.SIGTERM, "1", -signal.SIGTERM),
        (signal.SIGINT, "1", 130),
        (signal.SIGTERM, "2", -signal.SIGTERM),
        (signal.SIGINT, "2", -signal.SIGINT),
    ],
)
def test_a_signal_ends_a_start_that_hangs(
    tmp_path: Path, number: int, workers: str, status: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        catalogue = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/tams"
        process = subprocess.Popen(
            [*TAMS, "serve", "--port", "0"],
            env=environment(catalogue=catalogue, data_dir=str(tmp_path), workers=workers),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with silent.accept()[0]:
            process.send_signal(number)
            assert process.communicate(timeout=DEADLINE_S) == (b"", b"")
    assert process.returncode == status


class Ended(NamedTuple):
    """How a start ended that did not succeed."""

    returncode: int
    stdout: str
    stderr: str


def start(folder: Path, *options: str, **settings: str) -> Ended:
    """Start a server that ends by itself."""
    run = subprocess.run(
        [*TAMS, "serve", "--port", "0", *options],
        env=environment(**settings),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Ended(run.returncode, run.stdout, run.stderr)


BAD_STARTS: dict[str, tuple[dict[str, str], str]] = {
    "authentication": ({"auth": "jwt"}, "TAMS_AUTH: no token could be verified"),
    "missing credentials": (
        {"auth": "basic", "credentials": "none.json"},
        "TAMS_CREDENTIALS: cannot read none.json: No such file",
    ),
    "broken credentials": (
        {"auth": "basic", "credentials": "broken.toml"},
        "TAMS_CREDENTIALS: broken.toml: Invalid JSON",
    ),
    "unknown name": ({"prot": "80"}, "TAMS_PROT: there is no such setting"),
    "public URL": ({"public_url": "media.example"}, "TAMS_PUBLIC_URL: it must begin with http"),
    "data folder": ({"data_dir": "file"}, "TAMS_DATA_DIR: cannot keep file/media.secret: "),
    "missing storage file": ({"storage": "none.toml"}, "TAMS_STORAGE none.toml: No such file"),
    "broken storage file": ({"storage": "broken.toml"}, "TAMS_STORAGE broken.toml: "),
    "storage URL": (
        {"storage": "s3://bucket?endpoint=x"},
        "TAMS_STORAGE: url: endpoint: it must be http:// or https://",
    ),
    "media folder": ({"storage": "URI/file"}, "storage backend local: "),
    "catalogue URL": ({"catalogue": "mysql://x/y"}, "TAMS_CATALOGUE: it must be sqlite:///path"),
    "catalogue folder": ({"catalogue": "sqlite:///file/x"}, "TAMS_CATALOGUE: cannot open file/x"),
    "no catalogue": ({"catalogue": "sqlite:///broken.toml"}, "file is not a database"),
    "cut catalogue": ({"catalogue": "sqlite:///cut"}, "TAMS_CATALOGUE: cut is damaged"),
    "unreachable PostgreSQL": (
        {"catalogue": "postgresql://127.0.0.1:1/x"},
        "TAMS_CATALOGUE: cannot use PostgreSQL: ",
    ),
}


@pytest.mark.parametrize("name", BAD_STARTS, ids=lambda name: name.replace(" ", "-"))
def test_what_does_not_allow_a_start_is_one_line(
    tmp_path: Path, name: str, cut_catalogue: Callable[[Path], None]
) -> None:
    """A `TAMS_AUTH` that lets nobody in stops the start, as does all else that cannot be meant."""
    settings, says = BAD_STARTS[name]
    (tmp_path / "file").touch()
    (tmp_path / "broken.toml").write_text("[[backend]]\nurl = file\n" * 100)
    cut_catalogue(tmp_path / "cut")
    uri = tmp_path.as_uri()
    ended = start(tmp_path, **{key: value.replace("URI", uri) for key, value in settings.items()})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("tams: ")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.fixture
def cut_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Write a catalogue whose second half is missing."""

    def write(path: Path) -> None:
        from tams.catalogue.sql import sqlite

        whole = tmp_path_factory.mktemp("whole") / "catalogue"
        sqlite.migrate(whole)
        content = whole.read_bytes()
        path.write_bytes(content[: len(content) // 2])

    return write


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start(tmp_path, "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"tams: TAMS_HOST, TAMS_PORT: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


@pytest.mark.parametrize(
    "catalogue",
    [
        f"postgresql://u:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?user=u&password={PASSWORD}",
        f"postgresql://u:{PASSWORD}/or/more@127.0.0.1:1/x",
        f"mysql://u:{PASSWORD}@127.0.0.1/x",
        f"sqlite://u:{PASSWORD}@127.0.0.1/x",
    ],
)
def test_a_refusal_tells_no_password_of_the_catalogue(tmp_path: Path, catalogue: str) -> None:
    ended = start(tmp_path, catalogue=catalogue)
    assert ended.returncode == 1
    assert "TAMS_CATALOGUE: " in ended.stderr
    assert PASSWORD not in ended.stderr


def test_a_refusal_tells_no_key_of_the_storage(tmp_path: Path) -> None:
    url = f"s3://me:{PASSWORD}@bucket?secret_access_key={PASSWORD}&region=x"
    ended = start(tmp_path, storage=url)
    assert ended.returncode == 1
    assert "TAMS_STORAGE: url: " in ended.stderr
    assert "secret_access_key" in ended.stderr
    assert PASSWORD not in ended.stderr


@pytest.mark.parametrize(
    ("old", "new"), [(":///", f"://tams:{PASSWORD}@/"), ("?", f"?password={PASSWORD}&")]
)
def test_the_printed_catalogue_has_no_password(
    tmp_path: Path, postgres_url: str, old: str, new: str
) -> None:
    url = postgres_url.replace(old, new)
    with server_process(tmp_path, url) as server:
        assert server.stop() == 0
    assert f"catalogue    {url.replace(PASSWORD, '***')}\n" in server.said
    assert PASSWORD not in server.said


def test_what_a_name_of_the_documents_does_not_do_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ENABLE_UUID_VALIDATION=false\nSECRET_KEY=" + PASSWORD * 3)
    settings = {"env_file": str(tmp_path / ".env"), "log_level": "DEBUG"}
    with server_process(tmp_path, "", **settings) as server:
        assert server.stop() == 0
    assert f"ENABLE_UUID_VALIDATION in {tmp_path / '.env'} changes nothing: " in server.said
    [told] = [line for line in server.said.splitlines() if "setting=jwt_secret" in line]
    assert f"SECRET_KEY in {tmp_path / '.env'}" in told
    assert PASSWORD not in server.said
