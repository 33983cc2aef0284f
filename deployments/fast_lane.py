"""Chat traffic past Serve's per-request bookkeeping, straight from the HTTP server to the ingress.

For every request Serve's replica makes two tasks, a queue, request ids, several
metrics and a log record, about a third of what a turn costs. It lets
middlewares in before that, named by RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH
(set in infra/ray.env); without the variable everything takes the ordinary way.
What Serve's autoscaling then does not see, it is told: see deployments/scaling.py.
"""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

app: ASGIApp | None = None  # the ingress of this process, once it is there


class FastLane:
    """Takes chat requests out of Serve's way if this process has an ingress."""

    def __init__(self, app: ASGIApp) -> None:
        self._serve = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if app is not None and scope["path"].startswith("/v1/chat"):
            await app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)


def middlewares() -> list[Middleware]:
    """What Serve's callback asks for."""
    return [Middleware(FastLane)]
