"""The gateway's core behind uvicorn and nothing else: what it costs without Serve, HAProxy and the ingress.

python -m bench.gateway_core --port 8010 --routes routes.yaml
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from llm.gateway import Gateway
from llm.reading import read
from llm.routes import Routes
from llm.secrets import Secrets
from schemas.errors import KefuError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_DEADLINE_MS = 30_000
_JSON = [(b"content-type", b"application/json")]
_EVENTS = [(b"content-type", b"text/event-stream")]


class App:
    """POST /v1/chat/completions for the tenant `bench`, `model` being the route; GET /readyz."""

    def __init__(self, routes: Routes) -> None:
        async def find(tenant: str, version: int) -> Routes:
            return routes

        self._gateway = Gateway(find, Secrets())
        self._warm = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/readyz":
            await _answer(send, 200, b"{}")
            return
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            await self._relay(msgspec.json.decode(body), send)
            if not self._warm:  # as every process of Kefu does once all is loaded: a full collection takes 0.1 s
                gc.freeze()
                self._warm = True
        except KefuError as error:
            await _answer(send, error.status, msgspec.json.encode({"error": {"message": error.detail}}))

    async def _relay(self, asked: dict[str, Any], send: Send) -> None:
        deadline_ms = int(time.time() * 1e3) + _DEADLINE_MS
        chunks = self._gateway.relay("bench", asked["model"], 1, asked, deadline_ms)
        async with aclosing(chunks):
            if not asked.get("stream"):
                await _answer(send, 200, (await anext(chunks)).data)
                return
            begun = False
            async for chunk in chunks:
                if not begun:
                    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
                    begun = True
                await send({"type": "http.response.body", "body": chunk.data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [*_JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--routes", type=Path, required=True, help="a routes document, as for PUT /v1/models/routes")
    arguments = parser.parse_args()
    app = App(read(arguments.routes.read_text()))
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, loop="uvloop", log_level="warning", access_log=False,
                lifespan="off")  # fmt: skip


if __name__ == "__main__":
    main()
