"""Totals by the hour: counted from the ledgers that are there.

An earlier release, whose processes may still be writing, does not count by the hour. What it writes meanwhile is
counted by the next start of any process, which finds that a ledger has more rows than are counted, or by the audit.
"""

from services.kit.database import Database
from services.kit.hourly.audit import HourlyAudit, ensure_series_index
from services.kit.hourly.merging import merge_days
from services.kit.hourly.totals import HOURLY_INDEXES
from services.kit.indexes import ensure_indexes
from services.migrations.options import Options
from services.series.service import SOURCES


async def run(database: Database, options: Options) -> int:
    """Count every day that is not counted rightly; returns how many days those were. Merge the days that are over.

    In constant time where as many rows are counted as there are, unless thorough. Stopped at any moment it may be run
    again, and finishes the rest.
    """
    await ensure_indexes(database.counters, HOURLY_INDEXES)
    wrong = 0
    for source in SOURCES:
        await ensure_series_index(database, source)
        wrong += await HourlyAudit(database, source).catch_up(thorough=options.thorough)
        await merge_days(database, source)
    return wrong
