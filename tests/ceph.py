"""A throw-away Ceph RADOS Gateway, a real S3 server, of the programs that are installed.

One serves all processes of a test run. It runs below a keeper, `python -m tests.ceph FOLDER`, which
ends it once nobody holds the other end of the keeper's pipe: a killed test run leaves none behind.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool")
ACCESS_KEY = "throwaway"
SECRET_KEY = "of/no+use=elsewhere"
HOST = "s3.example"
"""Below this name each bucket has a host of its own, for whoever asks 127.0.0.1 for it."""

PATIENCE_S = 60
ATTEMPTS = 5

CONFIGURATION = """
[global]
fsid = {cluster}
mon_host = v1:127.0.0.1:{monitor}
ms_bind_ipv6 = false
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
paxos_propose_interval = 0.01
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = 4294967296
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
pid_file = {folder}/$name.pid
[mon.a]
mon_data = {folder}/mon
public_addr = 127.0.0.1:{monitor}
[osd.0]
osd_data = {folder}/osd
[client.gateway]
rgw_dns_name = {host}
rgw_frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
"""


@dataclass(frozen=True)
class Gateway:
    """Where the gateway listens; it takes requests for any region."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What tells AWS's tools, and nothing else, who we are."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def setting(self, bucket: str, patch: pytest.MonkeyPatch) -> str:
        """The URL of a folder of its own in a bucket; puts the credentials around it."""
        for name, value in self.environment.items():
            patch.setenv(name, value)
        return f"s3://{bucket}/{secrets.token_hex(4)}?endpoint={self.endpoint}"

    def client(self) -> Any:
        """AWS's own client of the gateway."""
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        return Session().create_client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys
        )

    def create(self) -> str:
        """Create a bucket and return its name."""
        name = f"media-{secrets.token_hex(4)}"
        client = self.client()
        client.create_bucket(Bucket=name)
        client.close()
        return name


def missing_program() -> str | None:
    """The first of Ceph's programs that is not installed, if any."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), None)


@contextmanager
def shared_gateway(folder: Path) -> Iterator[Gateway]:
    """The gateway of all processes that name this folder; it starts with the first of them."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        holding = _hold(folder)
        if holding is None:
            _start_keeper(folder)
            holding = _hold(folder)
    assert holding is not None
    try:
        yield Gateway((folder / "endpoint").read_text())
    finally:
        os.close(holding)


def _hold(folder: Path) -> int | None:
    """An end of the keeper's pipe; None if there is no keeper."""
    try:
        return os.open(folder / "pipe", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def _start_keeper(folder: Path) -> None:
    with (folder / "keeper.log").open("w") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.ceph", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    keeper.returncode = 0  # Nobody waits for it: it ends after the last of its users.
    with keeper.stdout as told:
        # One line when it is ready; an end without one when it has failed.
        if not told.readline():
            raise RuntimeError(f"Ceph did not start: {(folder / 'keeper.log').read_text()}")


def keep(folder: Path) -> None:
    """Run a gateway for as long as anybody holds the other end of the pipe."""
    pipe = folder / "pipe"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    with ExitStack() as stack:
        port = _started(stack)
        (folder / "endpoint").write_text(f"http://127.0.0.1:{port}")
        held = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        own = os.open(pipe, os.O_WRONLY)
        print("ready", flush=True)
        # Whoever started this keeps the lock until it holds the pipe.
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        os.close(own)
        os.set_blocking(held, True)
        os.read(held, 1)
        pipe.unlink()


def _started(stack: ExitStack) -> int:
    """Start a cluster, until the stack is closed; anew where another took a port that was free."""
    for attempt in range(1, ATTEMPTS + 1):
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="tams-ceph-"))
        try:
            return stack.enter_context(_cluster(Path(home)))
        except (OSError, subprocess.SubprocessError):
            if attempt == ATTEMPTS:
                raise
            traceback.print_exc()
    raise AssertionError


@contextmanager
def _cluster(home: Path) -> Iterator[int]:
    """A monitor, a store in memory and a gateway; gives its port."""
    monitor, port = free_ports(2)
    configuration = home / "ceph.conf"
    cluster = str(uuid.uuid4())
    configuration.write_text(
        CONFIGURATION.format(cluster=cluster, monitor=monitor, gateway=port, folder=home, host=HOST)
    )
    environment = os.environ | {"CEPH_CONF": str(configuration)}
    daemons: list[subprocess.Popen[bytes]] = []

    def run(program: str, *arguments: str) -> bytes:
        return subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=home,
            check=True,
            timeout=PATIENCE_S,
            stdout=subprocess.PIPE,
        ).stdout

    def begin(program: str, *arguments: str) -> None:
        log = (home / f"{program}.out").open("wb")
        daemons.append(
            subprocess.Popen(
                [program, *arguments, "-f"], env=environment, cwd=home, stdout=log, stderr=log
            )
        )

    run("ceph-authtool", "--create-keyring", "keyring", "--gen-key", "-n", "mon.")
    address = f"[v1:127.0.0.1:{monitor}]"
    run("monmaptool", "--create", "--addv", "a", address, "--fsid", cluster, "monmap")
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring")
    try:
        begin("ceph-mon", "-i", "a")
        disk = str(uuid.uuid4())
        run("ceph", "osd", "new", disk)
        (home / "osd").mkdir()
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        begin("ceph-osd", "-i", "0")
        run("ceph", "osd", "crush", "add", "osd.0", "1", "host=localhost", "root=default")
        user = ("--uid=test", "--display-name=test")
        keys = (f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        run("radosgw-admin", "user", "create", *user, *keys)
        begin("radosgw", "-n", "client.gateway")
        await_answer(f"http://127.0.0.1:{port}/")
        yield port
    finally:
        for daemon in reversed(daemons):
            daemon.kill()
            daemon.wait()


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens at."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def await_answer(url: str) -> None:
    """Wait until somebody answers there, whatever it is."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep(Path(sys.argv[1]))
