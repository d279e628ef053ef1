"""What the tests of bad input share: a furnished server, and what every refusal must be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from tams.conformance.media import store
from tams.conformance.server import Answer, ensure, flow_body, same
from tests.ledger import Ledger, ledger
from tests.serving import CheckedServer


@dataclass(frozen=True)
class Furnished:
    """A server with a Flow of one Segment, `[0:0_1:0)`, and what else refusals need."""

    server: CheckedServer
    flow: dict[str, str]
    """The body with which the Flow was made."""
    object_id: str
    allocated: str
    """An Object of the Flow without a Segment."""
    foreign: str
    """An Object that was allocated for another Flow."""
    other_flow_id: str

    def fill(self, template: str) -> str:
        """Put in what `{flow}` and its like stand for in the tables of bad input."""
        for name, value in {
            "{flow}": f"/flows/{self.flow['id']}",
            "{source}": f"/sources/{self.flow['source_id']}",
            "{object}": self.object_id,
            "{allocated}": self.allocated,
            "{foreign}": self.foreign,
            "{other}": self.other_flow_id,
            "{id}": self.flow["id"],
        }.items():
            template = template.replace(name, value)
        return template

    async def ledger(self) -> Ledger:
        """Everything that the server keeps."""
        return await ledger(self.server.catalogue, self.server.folder)

    async def refuse(
        self, method: str, path: str, content: bytes | None, *says: str, status: int = 400
    ) -> Answer:
        """Send a request that must be refused in a message that holds each of `says`."""
        headers = {"Content-Type": "application/json"}
        sent = self.fill(path)
        answer = await self.server.request(method, sent, content=content, headers=headers)
        body = json.loads(answer.is_status(status).body)
        same(body.keys(), {"type", "summary", "time", "detail", "message"}, "the members")
        same({body["detail"], body["message"]}, {body["summary"]}, "detail and message")
        ensure(body["type"].isidentifier(), f"{body['type']!r} is no type of error")
        ensure(datetime.fromisoformat(body["time"]).tzinfo, f"{body['time']} has no zone")
        for part in map(self.fill, says):
            ensure(
                part in body["summary"],
                f"{method} {path} {str(content)[:80]}: {part!r} is not in {body['summary']!r}",
            )
        return answer


async def furnish(server: CheckedServer) -> Furnished:
    """Make what refusals are about."""
    body = flow_body(label="a label", tags={"a": "b"}, description="a description")
    (await server.put(f"/flows/{body['id']}", body)).is_status(201)
    other = await server.flow("audio")
    furnished = Furnished(
        server,
        body,
        await store(server, body["id"], "[0:0_1:0)"),
        (await server.allocate(body["id"]))[0]["object_id"],
        (await server.allocate(other["id"]))[0]["object_id"],
        other["id"],
    )
    # Events are numbered behind the answers: not while a test looks for changes.
    await server.app.state.worker.work_off()
    return furnished
