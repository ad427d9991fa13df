"""Codes that no one has yet."""

import secrets
from typing import TYPE_CHECKING

from models.access_code import make_access_code

if TYPE_CHECKING:
    from services.kit.database import Collection, Session


async def draw_codes(access_codes: "Collection", session: "Session", number: int) -> list[str]:
    """So many different codes that are free in the transaction's snapshot.

    With millions of codes a draw of a thousand holds a taken one more often than not, so the taken ones are drawn
    again here. One that another process takes meanwhile meets the unique index, and the transaction runs again.
    """
    free: dict[str, None] = {}
    while missing := number - len(free):
        drawn = {make_access_code(secrets.randbelow) for _ in range(missing)}
        taken = access_codes.find({"code": {"$in": list(drawn)}}, {"_id": 0, "code": 1}, session=session)
        drawn -= {row["code"] async for row in taken}
        free |= dict.fromkeys(drawn)
    return list(free)
