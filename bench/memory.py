"""How soon a worker answers, what memory it idles with, and whether that stays flat under load."""

import time

from bench.load import run_wrk
from bench.scenarios import COUPON
from bench.seeds import seed_coupons
from bench.servers import tessera

COUPONS = 1_000


def measure_memory(mongo_uri: str, *, requests: int, seconds: int) -> list[tuple[str, str]]:
    """Rows of `what, figure` for one worker, the last after so many requests, by runs of so many seconds."""
    server = tessera(mongo_uri, name="Memory")
    seed_coupons(server.mongo_uri, COUPONS)
    server.start().stop()  # The first start makes indexes and counters.
    began = time.perf_counter()
    server.start()
    started = time.perf_counter() - began
    try:
        idle = _megabytes(server.resident_bytes())
        run_wrk(server.url, "get.lua", [str(COUPONS)], connections=32, seconds=seconds)
        warm = _megabytes(server.resident_bytes())
        served = 0
        while served < requests:
            served += run_wrk(server.url, "get.lua", [str(COUPONS)], connections=32, seconds=seconds).requests
            asked = [str(COUPONS), COUPON]
            served += run_wrk(server.url, "graphql.lua", asked, connections=32, seconds=seconds).requests
        after = _megabytes(server.resident_bytes())
    finally:
        server.stop()
    return [
        ("start to first answer", f"{started:.2f} s"),
        ("resident, idle", f"{idle:.0f} MB"),
        ("resident, warm", f"{warm:.0f} MB"),
        (f"resident, {served:,} requests by REST and GraphQL later", f"{after:.0f} MB"),
    ]


def _megabytes(resident: list[int]) -> float:
    """The largest process: the worker."""
    return max(resident) / 1_000_000
