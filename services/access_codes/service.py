"""The verbs of access codes: validate, redeem, a user's redemptions; create, get, list, statistics, switch, delete."""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

from bson import ObjectId

from models.access_codes.access_code import (
    AccessCode,
    AccessCodeFilter,
    AccessCodeStats,
    AccessCodeUsage,
    AccessCodeUse,
    ActivateAccessCode,
    CreateAccessCode,
    DeactivateAccessCode,
    DeleteAccessCode,
    GetAccessCode,
    ListAccessCodes,
    ListRedemptions,
    MakeAccessCode,
    RedeemAccessCode,
    SetAccessCodePublic,
    require_found,
    require_usable,
    usage_of,
)
from models.activity import Deed
from models.availability import FindPublicAvailability, PublicAvailability
from models.pagination import Page, Slice, Window
from models.principal import Principal, Role
from models.sent import RefusedCommand
from models.values.codes import likeliest
from services.access_codes.live import LiveCodes
from services.access_codes.repository import (
    ACCESS_CODES,
    ENTITY_ALONE,
    NEWEST_FIRST,
    USES,
    USES_IN_ORDER,
    by_code,
    query_for,
)
from services.access_codes.totals import AccessCodeCounts
from services.access_codes.unit_of_work import AccessCodeBus
from services.kit.activity.log import ActivityLog
from services.kit.batching import Coalescer
from services.kit.database import Database
from services.kit.messages.outbox import Outbox
from services.kit.pagination import fetch_page, fetch_window
from services.kit.rate_limit import Permit


class AccessCodes:
    """Every verb takes who is calling first: a `Permit` where it is open to everyone, else a `Principal`."""

    def __init__(
        self, database: Database, outbox: Outbox, activity: ActivityLog, clock: Callable[[], datetime]
    ) -> None:
        self._codes = database.access_codes
        self._activity = activity
        self._uses = database.access_code_uses
        self._counts = AccessCodeCounts(database)
        self._bus = AccessCodeBus(database, outbox, activity, clock)
        self._clock = clock
        self._by_code: Coalescer[str, AccessCode] = Coalescer(self._find_by_codes)
        self._live = LiveCodes(database, self._by_code, clock)
        self._by_id: Coalescer[str, AccessCode] = Coalescer(self._find_by_ids)
        self._of_user: Coalescer[str, list[AccessCodeUse]] = Coalescer(self._find_uses_of_users)

    async def close(self) -> None:
        await self._live.close()
        await self._bus.close()

    async def validate(self, _: Permit, wanted: GetAccessCode) -> AccessCode:
        """Returns the code, if it can be used at this moment; changes nothing. Refusals: see `require_usable`.

        A wrong code goes the same way as a right one, so that the time tells a guesser nothing.
        """
        return require_usable(await self._by_code.load(wanted.code), self._clock())

    async def redeem(self, permit: Permit, sent: RedeemAccessCode | RefusedCommand) -> AccessCode:
        """Uses a code, once for each username and never more often than `maxUses`; returns the code after it.

        Refusals: see `models.access_codes.access_code.require_usable`.
        """
        if isinstance(sent, RefusedCommand):
            with self._activity.telling(permit.principal, Deed(RedeemAccessCode.verb, subjects=sent.names)):
                raise sent.refusal
        return await self._bus.submit(sent, permit)

    async def list_redemptions(self, _: Permit, wanted: ListRedemptions) -> Sequence[AccessCodeUse]:
        """Returns what a user has redeemed, the newest first; codes that were deleted since are among them."""
        return await self._of_user.load(wanted.username) or ()

    async def create(self, caller: Principal, command: CreateAccessCode) -> AccessCode:
        """Makes a code. For admins."""
        caller.require_role(Role.ADMIN)
        return await self._bus.submit(MakeAccessCode(command, caller.name), caller)

    async def get(self, caller: Principal, wanted: GetAccessCode) -> AccessCode:
        """Returns a code. For admins; 404 `Access code not found`."""
        return require_found(await self.find(caller, wanted))

    async def find(self, caller: Principal, wanted: GetAccessCode) -> AccessCode | None:
        """Returns a code, or None where there is none. For admins."""
        caller.require_role(Role.VIEWER)
        return await self._by_code.load(wanted.code)

    async def find_by_id(self, caller: Principal, code_id: str) -> AccessCode | None:
        """Returns a code by its raw ObjectId, or None. For admins."""
        caller.require_role(Role.VIEWER)
        return await self._by_id.load(code_id)

    def require_usable(self, code: AccessCode) -> AccessCode:
        """Returns the code, if it can be used at this moment. Refusals: see the rule."""
        return require_usable(code, self._clock())

    def usage(self, code: AccessCode) -> AccessCodeUsage:
        """Returns how far a code is used at this moment."""
        return usage_of(code, self._clock())

    async def list_window(self, caller: Principal, wanted: AccessCodeFilter, window: Window) -> Slice[AccessCode]:
        """Returns a Relay window of all codes, the newest first. For admins."""
        caller.require_role(Role.VIEWER)
        query = await query_for(self._codes, wanted, self._clock())
        return await fetch_window(self._codes, query, NEWEST_FIRST, window, ACCESS_CODES.load, ENTITY_ALONE)

    async def list_page(self, caller: Principal, wanted: ListAccessCodes) -> Page[AccessCode]:
        """Returns a numbered page of all codes, the newest first. For admins."""
        caller.require_role(Role.VIEWER)
        now = self._clock()
        total, query = await self._count(wanted, now), await query_for(self._codes, wanted, now)
        return await fetch_page(self._codes, query, NEWEST_FIRST, wanted, total, ACCESS_CODES.load, ENTITY_ALONE)

    async def count(self, caller: Principal, wanted: AccessCodeFilter) -> int:
        """Returns how many codes the filter leaves. For admins."""
        caller.require_role(Role.VIEWER)
        return await self._count(wanted, self._clock())

    async def uses_of(self, caller: Principal, codes: Sequence[AccessCode]) -> dict[str, list[AccessCodeUse]]:
        """Returns all uses of these codes in their order, by the code's id, in one query. For admins."""
        caller.require_role(Role.VIEWER)
        uses: dict[str, list[AccessCodeUse]] = {code.id: [] for code in codes}
        wanted = {"codeId": {"$in": [ObjectId(identifier) for identifier in uses]}}
        # In the order of the index, so that nothing is sorted.
        found = self._uses.find(wanted).sort([("codeId", 1), *((key, 1) for key in USES_IN_ORDER.keys)])
        async for document in found:
            use = USES.load(document)
            uses[use.code_id].append(use)
        return uses

    async def uses_window(self, caller: Principal, code: AccessCode, window: Window) -> Slice[AccessCodeUse]:
        """Returns a Relay window of a code's uses in their order. For admins."""
        caller.require_role(Role.VIEWER)
        return await fetch_window(self._uses, {"codeId": ObjectId(code.id)}, USES_IN_ORDER, window, USES.load)

    async def count_uses(self, caller: Principal, code: AccessCode) -> int:
        """Returns how many uses of a code are known by their users. For admins."""
        caller.require_role(Role.VIEWER)
        return await self._uses.count_documents({"codeId": ObjectId(code.id)})

    async def stats(self, caller: Principal) -> AccessCodeStats:
        """Returns counts of what exists at this moment, exact and flat in the number of codes. For admins."""
        caller.require_role(Role.VIEWER)
        census = await self._counts.read(self._clock())
        # Ties go to the newest.
        order = [("usedCount", -1), *((key, -1) for key in NEWEST_FIRST.keys)]
        used = await self._codes.find({"usedCount": {"$gt": 0}}, ENTITY_ALONE).sort(order).limit(1).to_list(None)
        return AccessCodeStats(
            total=census.total,
            active=census.usable,
            expired=census.expired,
            fully_used=census.full,
            total_usages=census.usages,
            most_used=ACCESS_CODES.load(used[0]) if used else None,
        )

    async def activate(self, caller: Principal, command: ActivateAccessCode) -> AccessCode:
        """Lets a code be redeemed; doing so twice changes nothing. For admins.

        404 `Access code not found`; 400 where it is fully used or expired.
        """
        caller.require_role(Role.SUPPORT)
        return await self._bus.submit(command, caller)

    async def deactivate(self, caller: Principal, command: DeactivateAccessCode) -> AccessCode:
        """Lets a code no longer be redeemed; doing so twice changes nothing. For admins; 404."""
        caller.require_role(Role.SUPPORT)
        return await self._bus.submit(command, caller)

    async def set_public(self, caller: Principal, command: SetAccessCodePublic) -> AccessCode:
        """Lets everyone watch what is left of a code, or not; doing so twice changes nothing. For admins; 404."""
        caller.require_role(Role.ADMIN)
        return await self._bus.submit(command, caller)

    def watch_public(
        self, _: Permit, wanted: FindPublicAvailability
    ) -> AsyncGenerator[PublicAvailability | None, None]:
        """Returns a stream of how often a code can still be redeemed, as it changes; None while none is public."""
        assert wanted.access_code is not None
        return self._live.follow(wanted.access_code)

    async def delete(self, caller: Principal, command: DeleteAccessCode) -> AccessCode:
        """Deletes a code and returns what it was; its users' history stays. For admins; 404."""
        caller.require_role(Role.ADMIN)
        return await self._bus.submit(command, caller)

    async def _count(self, wanted: AccessCodeFilter, now: datetime) -> int:
        query = await query_for(self._codes, wanted, now)
        if not query.keys() <= {"active", "expiresAt", "batch"}:
            return await self._codes.count_documents(query)
        census = await self._counts.read(now, wanted.batch)
        return census.of(active=wanted.active, expired=wanted.expired)

    async def _find_by_ids(self, ids: Sequence[str]) -> dict[str, AccessCode]:
        found = self._codes.find({"_id": {"$in": [ObjectId(identifier) for identifier in ids]}}, ENTITY_ALONE)
        return {code.id: code for code in map(ACCESS_CODES.load, await found.to_list(None))}

    async def _find_by_codes(self, typed: Sequence[str]) -> dict[str, AccessCode]:
        found = await self._codes.find(by_code(typed), ENTITY_ALONE).to_list(None)
        codes = {code.code: code for code in map(ACCESS_CODES.load, found)}
        return {each: code for each in typed if (code := likeliest(each, codes)) is not None}

    async def _find_uses_of_users(self, usernames: Sequence[str]) -> dict[str, list[AccessCodeUse]]:
        uses: dict[str, list[AccessCodeUse]] = {}
        newest_first = [(key, -1) for key in ("username", *USES_IN_ORDER.keys)]
        async for document in self._uses.find({"username": {"$in": list(usernames)}}).sort(newest_first):
            uses.setdefault(document["username"], []).append(USES.load(document))
        return uses
