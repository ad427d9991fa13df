"""How the cost of a verb grows with the data: each verb is timed alone, on a small and on a large database."""

import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

from bench.seeds import code_of, seed_coupons
from models.coupons import ListCoupons
from models.pages import Window
from models.principal import SYSTEM
from services.attempts import Attempt
from services.coupons import ORDERS
from services.migrations import migrate
from services.registry import Services

Verb = Callable[[], Awaitable[object]]
UNCOUNTED = Attempt(SYSTEM, 1, 1, 1, 1)


def coupon_verbs(services: Services, count: int) -> Mapping[str, Verb]:
    """The verbs of coupons, each as an admin or a client would call it."""
    coupons, numbers = services.coupons, iter(range(10**9))

    def redeem() -> Awaitable[object]:
        number = next(numbers)
        raw = {
            "redeemerTwitterId": f"g{number}",
            "username": "g",
            "followers": 1000,
            "couponCode": code_of(number % 40),
        }
        return coupons.redeem(UNCOUNTED, raw)

    last_page = -(-count // 20)
    return {
        "coupon by twitterId": lambda: coupons.find_by_twitter_id(UNCOUNTED, f"seed{count // 2}"),
        "coupon by code": lambda: coupons.find_by_code(UNCOUNTED, code_of(count // 2)),
        "redeem": redeem,
        "statistics": lambda: coupons.stats(SYSTEM),
        "list: first window": lambda: coupons.list_window(SYSTEM, {}, ORDERS["CREATED_AT"], Window(20)),
        "list: last window": lambda: coupons.list_window(SYSTEM, {}, ORDERS["CREATED_AT"], Window(20, backward=True)),
        "list: most used": lambda: coupons.list_window(SYSTEM, {}, ORDERS["TIMES_USED"], Window(20)),
        "list: first page": lambda: coupons.list_page(SYSTEM, ListCoupons()),
        "list: last page": lambda: coupons.list_page(SYSTEM, ListCoupons(page=last_page)),
        "search: a rare part of a name": lambda: coupons.list_window(
            SYSTEM, {"username": f"son_{count // 2 + 1}"}, ORDERS["CREATED_AT"], Window(20)
        ),
        "search: a common part of a name": lambda: coupons.list_window(
            SYSTEM, {"username": "person"}, ORDERS["CREATED_AT"], Window(20)
        ),
    }


async def measure_growth(uri_of: Callable[[str], str], counts: tuple[int, int], repeats: int) -> list[tuple[str, ...]]:
    """Rows of `verb, milliseconds small, milliseconds large, ratio`; medians of `repeats` calls, one at a time."""
    columns: list[dict[str, float]] = []
    for count in counts:
        uri = uri_of(f"growth_{count}")
        seed_coupons(uri, count)
        services = Services.open(mongo_uri=uri, database_name=f"growth_{count}", rate_limit="off", events_enabled=True)
        await migrate(services.database)
        columns.append({name: await _time(verb, repeats) for name, verb in coupon_verbs(services, count).items()})
        await services.database.client.drop_database(f"growth_{count}")
        await services.close()
    small, large = columns
    return [(name, f"{small[name]:.2f}", f"{large[name]:.2f}", f"{large[name] / small[name]:.2f}") for name in small]


async def _time(verb: Verb, repeats: int) -> float:
    taken = []
    for _ in range(repeats + 5):
        began = time.perf_counter()
        await verb()
        taken.append((time.perf_counter() - began) * 1_000)
    return median(taken[5:])
