"""`tams conformance` against a server that conforms, one that does not, and none at all."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.authority import guards, shown, token
from tests.official import MISSING, folder
from tests.serving import serving_apart

SPEC = folder()


@pytest.fixture(autouse=True)
def _no_document_unless_named(monkeypatch):
    monkeypatch.delenv("TAMS_SPEC_DIR", raising=False)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Iterator[str]:
    at = tmp_path_factory.mktemp("conforming")
    with serving_apart(at, f"sqlite:///{at}/catalogue.sqlite") as url:
        yield url


@pytest.fixture
def answering() -> Iterator[str]:
    """A server that answers anything with 200 and `{}`."""

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.json_response({"api_version": "8.2"})

    started, stopped = threading.Event(), asyncio.Event()
    loop, urls = asyncio.new_event_loop(), []

    async def serve() -> None:
        async with RawTestServer(answer) as server:
            urls.append(str(server.make_url("")))
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    yield urls[0]
    loop.call_soon_threadsafe(stopped.set)
    thread.join()
    loop.close()


def test_f017_a_server_that_conforms_is_told_so_and_left_as_it_was(
    shell, base, tmp_path, monkeypatch
):
    monkeypatch.delenv("TAMS_SPEC_DIR", raising=False)
    at = tmp_path / "results.json"
    run = shell("conformance", "--url", base, "--only", "1-6,52,153", "--json", str(at))
    assert (run.exit_code, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[0].split() == ["statement", "level", "title", "verdict", "reason"]
    assert lines[1].split() == ["1", "implied", "the", "root", "lists", "the", "paths", "pass"]
    assert "153 must" in " ".join(lines[8].split())
    assert "skip" in lines[8]
    assert "(--slow)" in lines[8]
    assert "schemas: skip" in run.stdout
    assert lines[-1] == "the server conforms, as far as it was seen (skipped: 1)"
    written = json.loads(at.read_text())
    assert (written["verdict"], written["schema"]) == ("pass", None)
    assert written["summary"]["must"] == {"pass": 4, "fail": 0, "skip": 1}
    assert [one["statement"] for one in written["results"]] == [1, 2, 3, 4, 5, 6, 52, 153]
    assert json.loads(shell("ls", "flows", "--json", "--url", base).stdout) == []


@pytest.mark.skipif(SPEC is None, reason=MISSING)
def test_an_older_version_is_checked_as_what_it_is(shell, base):
    spec = ("--spec", str(SPEC.parent))
    at = ("--url", f"{base}/v7.0", "--only", "3,4,19")
    run = shell("conformance", *at, *spec, "--api-version", "7.0")
    assert run.exit_code == 0
    assert "it needs Profiles, which came with 8.2" in " ".join(run.stdout.split())
    assert "checked as TAMS 7.0" in run.stdout
    assert "schemas: pass" in run.stdout
    run = shell("conformance", *at, *spec, "--api-version", "8.0")
    assert run.exit_code == 1
    assert "'8.0' expected, '7.0' found" in " ".join(run.stdout.split())
    assert "6.0, 7.0" in shell("conformance", *at, "--api-version", "5.0").stderr
    wrong = shell("conformance", *at, "--spec", str(SPEC), "--api-version", "7.0")
    assert "the document is of 8.2, not of 7.0" in wrong.stderr


def test_answers_are_held_against_the_official_document(shell, base):
    spec = SPEC
    if spec is None:
        pytest.skip(MISSING)
    run = shell("conformance", "--url", f"{base}/", "--only", "52", "--spec", str(spec.parent))
    assert run.exit_code == 0
    assert "schemas: pass" in run.stdout
    assert run.stdout.endswith("the server conforms\n")


def test_a_server_that_does_not_conform_ends_the_command_with_1(shell, answering, monkeypatch):
    monkeypatch.delenv("TAMS_SPEC_DIR", raising=False)
    run = shell("conformance", "--url", answering, "--only", "1,4,52")
    assert run.exit_code == 1
    assert "an array is expected" in run.stdout
    assert run.stdout.endswith("the server does not conform\n")
    spec = SPEC
    if spec is not None:
        run = shell("conformance", "--url", answering, "--only", "2", "--spec", str(spec))
        assert run.exit_code == 1
        assert "GET /service, 200" in run.stdout


def test_a_should_alone_does_not_fail_the_command(shell, answering, monkeypatch):
    monkeypatch.delenv("TAMS_SPEC_DIR", raising=False)
    run = shell("conformance", "--url", answering, "--only", "64")
    assert (run.exit_code, "fail" in run.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://127.0.0.1:9"], "no server can be reached at http://127.0.0.1:9"),
        (["--only", "50-40"], "--only: numbers are 1 to 300"),
        (["--only", "0-3"], "--only: numbers are 1 to 300"),
        (["--only", "295"], "--only: none of them is checked over HTTP: 295"),
        (["--receiver", "127.0.0.1:0"], "--receiver: it must be http://HOST:PORT"),
        (["--receiver", "https://127.0.0.1:0"], "--receiver: it must be http://HOST:PORT"),
        (["--json", "/dev"], "--json: it cannot be written (Is a directory)"),
        (["--json", "/dev/null/results.json"], "--json: it cannot be written (Not a directory)"),
        (["--spec", "/dev"], "there is no TimeAddressableMediaStore.yaml"),
    ],
)
def test_what_cannot_be_done_is_one_line(shell, base, arguments, said):
    run = shell("conformance", "--url", base, *arguments)
    assert run.exit_code == 1
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_an_address_that_is_not_the_root_is_told_so(shell, base):
    run = shell("conformance", "--url", f"{base}/flows")
    assert run.exit_code == 1
    assert "--url must be the root of the API" in run.stderr


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[str]:
    at = tmp_path_factory.mktemp("guarded")
    with serving_apart(at, f"sqlite:///{at}/catalogue.sqlite", **guards(at)) as url:
        yield url


def test_who_may_ask_is_checked_with_credentials_of_each_kind(shell, guarded, monkeypatch):
    monkeypatch.setenv("TAMS_API_TOKEN", token())
    asked = ("conformance", "--url", guarded, "--only", "291-294")
    without = shell(*asked)
    assert without.exit_code == 0
    assert without.stdout.count("no --credential read=TOKEN is given") == 2
    more = [f"--credential={kind}={value}" for kind, value in shown().items()]
    run = shell(*asked, *more)
    assert (run.exit_code, run.stderr) == (0, "")
    verdicts = [
        line.split()[-1] for line in run.stdout.splitlines() if line.strip().startswith("29")
    ]
    assert verdicts == ["pass"] * 4
    swapped = shell(*asked, *more, f"--credential=read={shown()['delete']}")
    assert "with read: 403 came" in swapped.stdout
    assert not [value for value in shown().values() if value in swapped.stdout]


@pytest.mark.parametrize("given", ["admin=x", "read", "read=", "=x"])
def test_a_credential_of_no_kind_is_named_but_not_shown(shell, guarded, given):
    run = shell("conformance", "--url", guarded, f"--credential={given}")
    assert (run.exit_code, run.stderr[:20]) == (1, "tams: --credential: ")
