"""The verbs of access codes: validate, redeem, a user's redemptions; create, get, list, statistics, switch, delete."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from models.access_code import (
    AccessCode,
    AccessCodeFilter,
    AccessCodeNotFound,
    AccessCodeStats,
    AccessCodeUsage,
    AccessCodeUse,
    ByCode,
    ByUsername,
    CreateAccessCode,
    ListAccessCodes,
    RedeemAccessCode,
    judge_validity,
    usage_of,
)
from models.codes import kept_forms, normalize_code, typed_form
from models.inputs import parse
from models.pagination import KeysetOrder, Page, Slice, Window
from models.principal import Principal
from services.access_codes.documents import SEARCH_FIELDS, access_code_from_document, use_from_document
from services.access_codes.totals import AccessCodeCounts
from services.access_codes.unit_of_work import AccessCodeWriter, DeleteAccessCode, SwitchAccessCode
from services.kit.batching import Coalescer
from services.kit.database import Database
from services.kit.outbox import Outbox
from services.kit.pagination import fetch_page, fetch_window
from services.kit.rate_limit import PermitToRead, RateLimitPermit
from services.kit.search import contains

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
USES_IN_ORDER = KeysetOrder("uses", ("redeemedAt",), descending=False)


class AccessCodes:
    """Every verb takes who is calling first: a `RateLimitPermit` where it is open to everyone, else a `Principal`."""

    def __init__(self, database: Database, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._codes = database.access_codes
        self._uses = database.access_code_uses
        self._counts = AccessCodeCounts(database)
        self._writer = AccessCodeWriter(database, outbox, clock)
        self._clock = clock
        self._by_code: Coalescer[str, AccessCode] = Coalescer(self._find_by_codes)
        self._by_id: Coalescer[str, AccessCode] = Coalescer(self._find_by_ids)
        self._of_user: Coalescer[str, list[AccessCodeUse]] = Coalescer(self._find_uses_of_users)

    async def close(self) -> None:
        await self._writer.close()

    async def validate(self, _: PermitToRead, raw: Mapping[str, Any]) -> AccessCode:
        """The code, if it can be used at this moment; changes nothing. Refusals: `models.access_code.judge_validity`.

        A wrong code goes the same way as a right one, so that the time tells a guesser nothing.
        """
        code = await self._by_code.load(normalize_code(parse(ByCode, raw).code))
        refusal = judge_validity(code, self._clock())
        if refusal is not None:
            raise refusal
        assert code is not None
        return code

    async def redeem(self, _: RateLimitPermit, raw: Mapping[str, Any]) -> AccessCode:
        """Use a code, once for each username and never more often than `maxUses`; answers the code after it.

        Refusals: see `models.access_code.judge_use`.
        """
        return await self._writer.submit(parse(RedeemAccessCode, raw))

    async def redemptions(self, _: PermitToRead, raw: Mapping[str, Any]) -> Sequence[AccessCodeUse]:
        """What a user has redeemed, the newest first; codes that were deleted since are among them."""
        return await self._of_user.load(parse(ByUsername, raw).username) or ()

    async def create(self, principal: Principal, raw: Mapping[str, Any]) -> AccessCode:
        """Make a code. For admins."""
        principal.require_admin()
        return await self._writer.submit(parse(CreateAccessCode, raw))

    async def get(self, principal: Principal, raw: Mapping[str, Any]) -> AccessCode:
        """A code. For admins; 404 `Access code not found`."""
        code = await self.find(principal, raw)
        if code is None:
            raise AccessCodeNotFound()
        return code

    async def find(self, principal: Principal, raw: Mapping[str, Any]) -> AccessCode | None:
        """A code, or None. For admins."""
        principal.require_admin()
        return await self._by_code.load(normalize_code(parse(ByCode, raw).code))

    async def find_by_id(self, principal: Principal, code_id: str) -> AccessCode | None:
        """A code by its raw ObjectId, or None. For admins."""
        principal.require_admin()
        return await self._by_id.load(code_id)

    def usage(self, code: AccessCode) -> AccessCodeUsage:
        """How far a code is used at this moment."""
        return usage_of(code, self._clock())

    async def list_window(
        self, principal: Principal, raw_filter: Mapping[str, Any], window: Window
    ) -> Slice[AccessCode]:
        """A Relay window of all codes, the newest first. For admins."""
        principal.require_admin()
        query = _query(parse(AccessCodeFilter, raw_filter), self._clock())
        return await fetch_window(self._codes, query, NEWEST_FIRST, window, access_code_from_document, SEARCH_FIELDS)

    async def list_page(self, principal: Principal, wanted: ListAccessCodes) -> Page[AccessCode]:
        """A numbered page of all codes, the newest first. For admins."""
        principal.require_admin()
        now = self._clock()
        total, query = await self._count(wanted, now), _query(wanted, now)
        return await fetch_page(
            self._codes, query, NEWEST_FIRST, wanted, total, access_code_from_document, SEARCH_FIELDS
        )

    async def count(self, principal: Principal, raw_filter: Mapping[str, Any]) -> int:
        """How many codes the filter leaves. For admins."""
        principal.require_admin()
        return await self._count(parse(AccessCodeFilter, raw_filter), self._clock())

    async def uses_of(self, principal: Principal, codes: Sequence[AccessCode]) -> dict[str, list[AccessCodeUse]]:
        """All uses of these codes in their order, by the code's id, in one query. For admins."""
        principal.require_admin()
        uses: dict[str, list[AccessCodeUse]] = {code.id: [] for code in codes}
        wanted = {"codeId": {"$in": [ObjectId(identifier) for identifier in uses]}}
        # In the order of the index, so that nothing is sorted.
        found = self._uses.find(wanted).sort([("codeId", 1), *((key, 1) for key in USES_IN_ORDER.keys)])
        async for document in found:
            use = use_from_document(document)
            uses[use.code_id].append(use)
        return uses

    async def uses_window(self, principal: Principal, code: AccessCode, window: Window) -> Slice[AccessCodeUse]:
        """A Relay window of a code's uses in their order. For admins."""
        principal.require_admin()
        return await fetch_window(self._uses, {"codeId": ObjectId(code.id)}, USES_IN_ORDER, window, use_from_document)

    async def count_uses(self, principal: Principal, code: AccessCode) -> int:
        """How many uses of a code are known by their users. For admins."""
        principal.require_admin()
        return await self._uses.count_documents({"codeId": ObjectId(code.id)})

    async def stats(self, principal: Principal) -> AccessCodeStats:
        """Counts of what exists at this moment, exact and flat in the number of codes. For admins."""
        principal.require_admin()
        census = await self._counts.read(self._clock())
        # Ties go to the newest.
        order = [("usedCount", -1), *((key, -1) for key in NEWEST_FIRST.keys)]
        used = await self._codes.find({"usedCount": {"$gt": 0}}, SEARCH_FIELDS).sort(order).limit(1).to_list(None)
        return AccessCodeStats(
            total=census.total,
            active=census.usable,
            expired=census.expired,
            fully_used=census.full,
            total_usages=census.usages,
            most_used=access_code_from_document(used[0]) if used else None,
        )

    async def switch(self, principal: Principal, raw: Mapping[str, Any], *, active: bool) -> AccessCode:
        """Activate or deactivate a code; doing so twice changes nothing. For admins.

        404 `Access code not found`; for activating, 400 where it is fully used or expired.
        """
        principal.require_admin()
        return await self._writer.submit(SwitchAccessCode(parse(ByCode, raw).code, active))

    async def delete(self, principal: Principal, raw: Mapping[str, Any]) -> AccessCode:
        """Delete a code and answer what it was; its users' history stays. For admins; 404 `Access code not found`."""
        principal.require_admin()
        return await self._writer.submit(DeleteAccessCode(parse(ByCode, raw).code))

    async def _count(self, wanted: AccessCodeFilter, now: datetime) -> int:
        if wanted.code is not None:
            return await self._codes.count_documents(_query(wanted, now))
        census = await self._counts.read(now)
        return census.of(active=wanted.active, expired=wanted.expired)

    async def _find_by_ids(self, ids: Sequence[str]) -> dict[str, AccessCode]:
        found = self._codes.find({"_id": {"$in": [ObjectId(identifier) for identifier in ids]}}, SEARCH_FIELDS)
        return {str(d["_id"]): access_code_from_document(d) for d in await found.to_list(None)}

    async def _find_by_codes(self, typed: Sequence[str]) -> dict[str, AccessCode]:
        forms = {code: kept_forms(code) for code in typed}
        sought = [form for each in forms.values() for form in each]
        found = await self._codes.find({"code": {"$in": sought}}, SEARCH_FIELDS).to_list(None)
        codes = {document["code"]: access_code_from_document(document) for document in found}
        likeliest = {code: next((form for form in each if form in codes), None) for code, each in forms.items()}
        return {code: codes[form] for code, form in likeliest.items() if form is not None}

    async def _find_uses_of_users(self, usernames: Sequence[str]) -> dict[str, list[AccessCodeUse]]:
        uses: dict[str, list[AccessCodeUse]] = {}
        newest_first = [(key, -1) for key in ("username", *USES_IN_ORDER.keys)]
        async for document in self._uses.find({"username": {"$in": list(usernames)}}).sort(newest_first):
            uses.setdefault(document["username"], []).append(use_from_document(document))
        return uses


def _query(wanted: AccessCodeFilter, now: datetime) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if wanted.active is not None:
        query["active"] = wanted.active
    if wanted.expired is not None:
        query["expiresAt"] = {"$lte" if wanted.expired else "$gt": now}
    if wanted.code is not None:
        query |= contains("codeKey", "codeTrigrams", typed_form(wanted.code))
    return query
