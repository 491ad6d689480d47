"""What the server counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """Counters, gauges and histograms of one app. No picture, text or address is in them."""

    def __init__(self) -> None:
        self._all = CollectorRegistry()
        self.requests = Counter(
            "fingerspell_requests", "Requests by route and status", ("route", "status"),
            registry=self._all,
        )  # fmt: skip
        self.request_seconds = Histogram(
            "fingerspell_request_seconds", "Seconds from a request's head to its answer",
            ("route",), buckets=_SECONDS, registry=self._all,
        )  # fmt: skip
        self.picture_seconds = Histogram(
            "fingerspell_picture_seconds", "Seconds to decode and read one picture",
            buckets=_SECONDS, registry=self._all,
        )  # fmt: skip
        self.frames = Counter(
            "fingerspell_stream_frames", "Frames of WebSockets by what became of them", ("fate",),
            registry=self._all,
        )  # fmt: skip

        self.swaps = Counter(
            "fingerspell_model_swaps", "New recognisers by what became of them", ("outcome",),
            registry=self._all,
        )  # fmt: skip

    def text(self) -> bytes:
        """Returns everything in Prometheus' text format."""
        return generate_latest(self._all)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Adds a number that is asked for when the others are read."""
        Gauge(f"fingerspell_{name}", text, registry=self._all).set_function(value)
