"""A bare route of the framework, served as ours is: the floor under GET /service."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
import uvloop
from fastapi import FastAPI

app = FastAPI()


@app.get("/service")
async def get_service() -> dict[str, str]:
    """What an application of a page's length would write."""
    return {
        "type": "urn:x-tams:service:bare",
        "api_version": "8.2",
        "service_version": "0.1.0",
        "min_object_timeout": "7200:0",
        "min_presigned_url_timeout": "3600:0",
    }


async def main() -> None:
    """Print the URL, and serve."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, lifespan="off", http="httptools", access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
