"""Data to measure on: coupons as Tessera writes them, with the search fields, counters and indexes of their own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from models.access_codes.access_code import AccessCode, RedeemAccessCode
from models.access_codes.batches import AccessCodeBatch
from models.access_codes.effects import redeem as redeem_code
from models.activity import Deed, Thing, activity_of
from models.coupons.coupon import POINTS_PER_REDEMPTION, Coupon, CouponRole, RedeemCoupon, SetCouponActive, redeem
from models.coupons.refusals import AlreadyRedeemed
from models.orders.lines import OrderLine
from models.orders.order import Order
from models.orders.refunds import Refund
from models.principal import Principal
from models.usage.effects import new_follower
from models.usage.follower import FollowerKey, KeyKind, Limits, Move, UsageFollower, UserUsage
from models.values.instants import to_milliseconds
from services.access_codes.repository import BATCHES, USES
from services.coupons.repository import COUPONS, LEDGER
from services.kit.activity.log import ACTIVITY
from services.orders.repository import ORDERS, REFUNDS
from services.usage.repository import COUNTERS, FOLLOWERS
from services.usage.repository import LEDGER as MOVES

BATCH = 2_000
BATCH_OF_CODES = "all"
YEAR = timedelta(days=365)
MADE = datetime(2025, 1, 1, tzinfo=UTC)
"""When the first of everything was made."""
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def code_of(number: int) -> str:
    """A coupon code that is this number."""
    digits = ""
    for _ in range(8):
        number, place = divmod(number, len(_LETTERS))
        digits = _LETTERS[place] + digits
    return f"{digits[:4]}-{digits[4:]}"


def coupons(count: int, *, times_used: int = 0) -> Iterator[Coupon]:
    """`count` coupons: owner `seed<n>`, made a second after each other."""
    for n in range(count):
        made = MADE + timedelta(seconds=n)
        yield Coupon(
            id=f"{n:024x}",
            coupon_code=code_of(n),
            twitter_id=f"seed{n}",
            username=f"{'rare' if n % 1_000 == 0 else 'person'}_{n}",
            followers=1_000 + n * 7_919 % 1_000_000,
            points=POINTS_PER_REDEMPTION * times_used,
            times_used=times_used,
            role=CouponRole.USER,
            active=True,
            created_at=made,
            updated_at=made,
        )


def redemption_documents(count: int) -> Iterator[dict[str, Any]]:
    """A redemption of each of `count` coupons, by owners whose own coupons are deleted."""
    for n, coupon in enumerate(coupons(count)):
        redeemer = replace(coupon, id=str(ObjectId()), twitter_id=f"redeemer{n}")
        done = redeem(coupon, redeemer, is_new=False, entry_id=str(ObjectId()), at=coupon.created_at)
        yield LEDGER.dump(done.entry)


def insert(collection: Collection[dict[str, Any]], documents: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            collection.insert_many(batch, ordered=False)
            batch = []
    if batch:
        collection.insert_many(batch, ordered=False)


def seed_coupons(uri: str, count: int) -> None:
    """Fill the database of this URI with coupons only, before any server has seen it."""
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        database.client.drop_database(database.name)
        insert(database["coupons"], map(COUPONS.dump, coupons(count)))
        # What the peers need of indexes; Tessera makes its own at start-up.
        database["coupons"].create_index("twitterId", unique=True, name="twitterId")
        database["coupons"].create_index("couponCode", unique=True, name="couponCode")
        database["redemptions"].create_index(
            "redeemerTwitterId",
            unique=True,
            name="redeemerTwitterId",
            sparse=True,
        )


def index_for_lists(uri: str) -> None:
    """The index that a list newest first needs, for the peers (the same as Tessera's)."""
    with MongoClient[dict[str, Any]](uri) as client:
        coupons = client.get_default_database()["coupons"]
        coupons.create_index([("createdAt", -1), ("_id", -1)], name="newest")


def access_codes(count: int) -> Iterator[AccessCode]:
    """`count` codes of one batch, a tenth of them expired, each used once of 100 times."""
    for n in range(count):
        made = MADE + timedelta(seconds=n)
        yield AccessCode(
            id=f"{n:024x}",
            code=access_code_of(n),
            description="Beta access code",
            max_uses=100,
            used_count=1,
            expires_at=MADE if n % 10 == 0 else MADE + timedelta(days=3_650),
            active=True,
            created_at=made,
            updated_at=made,
            batch=BATCH_OF_CODES,
        )


def batch_documents(count: int) -> Iterator[dict[str, Any]]:
    """`count` batches, one after another; the first of them is that of all codes."""
    for n in range(count):
        name, made = f"batch{n}" if n else BATCH_OF_CODES, MADE + timedelta(seconds=n)
        yield BATCHES.dump(AccessCodeBatch(name, "Beta access code", 100, 30, 0 if n else count, made))


def use_documents(count: int) -> Iterator[dict[str, Any]]:
    """The use of each of `count` codes, spread over a year."""
    for n, code in enumerate(access_codes(count)):
        command = RedeemAccessCode(code.code, f"user{n}")
        at = to_milliseconds(MADE + YEAR * n / count)
        yield USES.dump(redeem_code(code, command, use_id=str(ObjectId()), at=at).use)


def access_code_of(number: int) -> str:
    """An access code that is this number."""
    return code_of(number).replace("-", "")[2:]


def order_documents(count: int) -> Iterator[dict[str, Any]]:
    """`count` orders of two lines, ten for each user."""
    line = OrderLine("p1", 2, Decimal("19.90"), seller_id="s1")
    for n in range(count):
        made = MADE + timedelta(seconds=n)
        order = Order(
            id=f"{n:024x}",
            user_id=f"user{n // 10}",
            checkout_id=f"checkout{n}",
            basket_id=f"basket{n}",
            payment_id=f"payment{n}",
            products=(line, replace(line, product_id="p2")),
            address="1 Long Street",
            is_gift=False,
            status="Pending",
            total_price=Decimal("79.60"),
            refunded=False,
            card_last4="0042",
            created_at=made,
            updated_at=made,
        )
        yield ORDERS.dump(order)


def usage_documents(follower_id: str, count: int) -> Iterator[dict[str, Any]]:
    """The counters of `count` users of one follower, each with one use."""
    for n in range(count):
        yield COUNTERS.dump(UserUsage(id=str(ObjectId()), follower_id=follower_id, user_id=f"user{n}", used=1))


def move_documents(follower: UsageFollower, count: int) -> Iterator[dict[str, Any]]:
    """The move that made each of these counts."""
    for n in range(count):
        at = MADE + timedelta(seconds=n)
        move = replace(follower, revision=n).move(f"user{n}", 1, Move.ADD, by="system", cause=None, at=at)
        yield MOVES.dump(move)


def activity_documents(count: int) -> Iterator[dict[str, Any]]:
    """A refusal of each of `count` users, and for every tenth a change by one of two admins."""
    for n in range(count):
        at, about = MADE + timedelta(seconds=n), Deed(RedeemCoupon.verb, subjects=(f"user{n}",))
        refused = activity_of(about, Principal(), AlreadyRedeemed(), identifier=str(ObjectId()), at=at)
        yield ACTIVITY.dump(refused)
        if n % 10 == 0:
            switched = Deed(SetCouponActive.verb, (Thing("Coupon", f"{n:024x}"),))
            who = Principal(user_id=f"admin{n % 20}", user_types=("admin",))
            yield ACTIVITY.dump(activity_of(switched, who, None, identifier=str(ObjectId()), at=at))


def follower_documents(count: int) -> Iterator[dict[str, Any]]:
    """Followers of `count` campaigns, of a hundredth of which nothing is left."""
    for n in range(count):
        at = MADE + timedelta(seconds=n)
        used = 5 if n % 100 == 0 else 4
        key = FollowerKey(KeyKind.CAMPAIGN, f"{n:024x}")
        follower = new_follower(key, Limits(max_total_limit=5), identifier=str(ObjectId()), now=at)
        yield FOLLOWERS.dump(replace(follower, total_usage_count=used))


def refund_documents(count: int) -> Iterator[dict[str, Any]]:
    """The refund of one unit of each of `count` orders."""
    for n in range(count):
        at = MADE + timedelta(seconds=n)
        yield REFUNDS.dump(Refund(f"{n:024x}", f"user{n // 10}", f"p{1 + n % 2}", 1, Decimal("19.90"), "system", at))
