"""How admin keys are stored and found."""

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.admin_keys.admin_key import AdminKey
from models.pagination import KeysetOrder
from services.kit.mapping import Mapper

COLLECTION = "adminkeys"
ADMIN_KEYS: Mapper[AdminKey] = Mapper(AdminKey)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
HASH = "keyHash"
"""The field that a key is known by. No entity has it."""

INDEXES = [
    IndexModel([(HASH, ASCENDING)], name="keyHash", unique=True),
    # One name, one key, as long as it can be used; what was revoked keeps its name for whoever reads of it.
    IndexModel([("name", ASCENDING)], name="name", unique=True, partialFilterExpression={"holdsName": True}),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
]
