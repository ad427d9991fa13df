"""The indexes of admin keys."""

from services.admin_keys.repository import COLLECTION, INDEXES
from services.kit.database import Database
from services.kit.indexes import ensure_indexes
from services.migrations.options import Options


async def run(database: Database, _: Options) -> None:
    """Make those that are missing."""
    await ensure_indexes(database.collection(COLLECTION), INDEXES)
