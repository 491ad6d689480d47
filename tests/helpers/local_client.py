"""A test client that calls the server `localhost`: it refuses hosts that it does not know."""

from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient as _TestClient


class TestClient(_TestClient):
    """Starlette's client, at a host that the server knows."""

    def __init__(self, app: Starlette, **more: Any) -> None:
        super().__init__(app, base_url="http://localhost", **more)

    def websocket_connect(self, url: str, *args: Any, **more: Any) -> Any:
        return super().websocket_connect(f"ws://localhost{url}", *args, **more)
