"""Coupons, access codes, orders and usage followers of an older system: imported, or set aside with the reason."""

import logging

from services.access_codes.migration import prepare_access_codes
from services.coupons.migration import prepare_coupons
from services.kit.database import Database
from services.migrations.options import Options
from services.orders.migration import prepare_orders
from services.usage.migration import prepare_usage

log = logging.getLogger("tessera.migration")


async def run(database: Database, options: Options) -> dict[str, int]:
    """Import what is there, make the indexes of the nouns, and count what is not counted; returns how many of each.

    In constant time where nothing is to be done, unless thorough.
    """
    recount = options.thorough
    imported = {
        "coupons": await prepare_coupons(database, recount=recount),
        "access codes": await prepare_access_codes(database, recount=recount),
        "orders": await prepare_orders(database, recount=recount),
        "usage followers": await prepare_usage(database, options.usage_hold, recount=recount),
    }
    for family, number in imported.items():
        if number:
            log.info("imported %d %s of an older system", number, family)
    return imported
