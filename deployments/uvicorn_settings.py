"""What Kefu needs of the HTTP server inside Serve's replicas, and Serve has no option for."""

from __future__ import annotations

import functools
from typing import Any

import uvicorn

from schemas.api import MAX_BODY


def apply() -> None:
    """Servers made in this process from now on refuse large frames early and do not compress.

    Uvicorn's defaults are 16 MiB frames and a compressor of some 60 KB for every
    WebSocket, which is most of what an idle customer would cost.
    """
    original = uvicorn.Config.__init__

    @functools.wraps(original)
    def configured(self: uvicorn.Config, *args: Any, **options: Any) -> None:
        options.setdefault("ws_max_size", 4 * MAX_BODY)  # a little over the limit still gets a clear error
        options.setdefault("ws_per_message_deflate", False)
        options.setdefault("server_header", False)
        original(self, *args, **options)

    uvicorn.Config.__init__ = configured  # type: ignore[method-assign]
