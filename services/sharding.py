"""Every collection that a sharded MongoDB may spread. All others stay on the primary shard of the database."""

from services.access_codes.repository import USES_SHARD_KEY
from services.coupons.repository import LEDGER_SHARD_KEY
from services.kit.idempotency import keys
from services.kit.messages import inbox, outbox
from services.orders import repository as orders
from services.usage import migration as usage

SHARD_KEYS = (
    LEDGER_SHARD_KEY,
    USES_SHARD_KEY,
    *usage.SHARD_KEYS,
    *orders.SHARD_KEYS,
    outbox.SHARD_KEY,
    inbox.SHARD_KEY,
    keys.SHARD_KEY,
)
