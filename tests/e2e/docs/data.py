"""The data that the pages of `docs/api` assume: documents as the original services left them, and some activity."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

MADE = datetime(2023, 1, 15, 12, tzinfo=UTC)
IN_THIRTY_DAYS = datetime.now(UTC) + timedelta(days=30)


def _coupon(number: str, code: str, twitter_id: str, username: str, **fields: Any) -> dict[str, Any]:
    document = {
        "_id": ObjectId(f"60d21b4667d0d8992e610c{number}"),
        "couponCode": code,
        "twitterId": twitter_id,
        "username": username,
        "followers": 1500,
        "points": 0,
        "timesUsed": 0,
        "role": "creator",
        "active": True,
        "createdAt": MADE,
        "updatedAt": MADE,
    }
    return document | fields


def _access_code(number: str, code: str, **fields: Any) -> dict[str, Any]:
    document = {
        "_id": ObjectId(f"60d21b4667d0d8992e610d{number}"),
        "code": code,
        "description": "Beta Tester Access Code",
        "maxUses": 50,
        "usedCount": 0,
        "expiresAt": IN_THIRTY_DAYS,
        "active": True,
        "createdAt": MADE,
        "createdBy": "admin",
        "usedBy": [],
    }
    return document | fields


def _refusal(number: str, verb: str, code: str, message: str, thing: dict[str, str], *names: str) -> dict[str, Any]:
    return {
        "_id": ObjectId(f"60d21b4667d0d8992e6a00{number}"),
        "at": datetime(2023, 1, 21, 9, int(number), tzinfo=UTC),
        "by": {"name": "anonymous", "kind": "ANONYMOUS"},
        "transport": "REST",
        "verb": verb,
        "objects": [thing],
        "subjects": [*names],
        "subjectKeys": [name.lower() for name in names],
        "outcome": "REFUSED",
        "code": code,
        "message": message,
        "requestId": f"7d3f9a1c5b2e8{number}40",
    }


def _follower(number: str, **fields: Any) -> dict[str, Any]:
    document = {
        "_id": ObjectId(f"60d21b4667d0d8992e610e{number}"),
        "totalUsageCount": 0,
        "userUsageCount": {},
        "tempUsageCount": {},
        "createdAt": MADE,
    }
    return document | fields


def _move(identifier: str, move: str, amount: int, at: datetime) -> dict[str, Any]:
    """A move with a follower that was deleted since."""
    return {
        "_id": ObjectId(identifier),
        "followerId": ObjectId("60d21b4667d0d8992e610e99"),
        "campaignId": ObjectId("60d21b4667d0d8992e610ca2"),
        "userId": "ada",
        "amount": amount,
        "move": move,
        "sequence": int(identifier[-2:]),
        "by": "ada",
        "cause": None,
        "at": at,
    }


def _order(number: str, user_id: str, **fields: Any) -> dict[str, Any]:
    line = {"isRefunded": False, "refundedQuantity": 0}
    document = {
        "_id": ObjectId(f"60d21b4667d0d8992e610f{number}"),
        "userId": user_id,
        "checkoutId": f"checkout-{number}",
        "basketId": f"basket-{number}",
        "paymentId": f"payment-{number}",
        "products": [
            {"productId": "tea", "quantity": 3, "price": 19.9, "sellerId": "shop-1", **line},
            {"productId": "cup", "quantity": 2, "price": 10, **line},
        ],
        "address": "1 Long Street",
        "isGift": False,
        "status": "Pending",
        "totalPrice": 79.7,
        "refunded": False,
        "cardNumber": 4_111_111_111_110_042,
        "createdAt": MADE + timedelta(minutes=int(number, 16)),
        "updatedAt": MADE + timedelta(minutes=int(number, 16)),
    }
    return document | fields


SAMPLE: dict[str, list[dict[str, Any]]] = {
    "coupons": [
        _coupon(
            "85",
            "ABC1-DEF2",
            "1001",
            "user_handle",
            points=20,
            timesUsed=2,
            updatedAt=datetime(2023, 1, 20, 15, 30, tzinfo=UTC),
            lastUsedAt=datetime(2023, 1, 20, 15, 30, tzinfo=UTC),
        ),
        _coupon(
            "86",
            "GHJ3-KMN4",
            "1002",
            "other_handle",
            followers=2500,
            createdAt=datetime(2023, 1, 16, 12, tzinfo=UTC),
            updatedAt=datetime(2023, 1, 16, 12, tzinfo=UTC),
        ),
    ],
    "accesscodes": [
        _access_code(
            "01",
            "ABC123",
            usedCount=1,
            usedBy=[
                {
                    "twitterId": "1001",
                    "username": "user_handle",
                    "redeemedAt": datetime(2023, 1, 20, 15, 30, tzinfo=UTC),
                }
            ],
        ),
        _access_code("02", "OLD456", expiresAt=datetime(2023, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
    "activity": [
        _refusal(
            "01",
            "REDEEM_COUPON",
            "TOO_FEW_FOLLOWERS",
            "Minimum 1000 followers required",
            {"type": "Coupon", "_id": "60d21b4667d0d8992e610c85"},
            "1003",
            "Small_Fan",
        ),
        _refusal(
            "02",
            "REDEEM_ACCESS_CODE",
            "ACCESS_CODE_EXPIRED",
            "Access code has expired",
            {"type": "AccessCode", "_id": "60d21b4667d0d8992e610d02"},
            "Small_Fan",
        ),
    ],
    "usagefollowers": [
        _follower(
            "01",
            campaignId=ObjectId("60d21b4667d0d8992e610ca1"),
            maxLimitInBasket=2,
            maxTotalLimit=100,
            maxLimitPerCustomer=3,
            totalUsageCount=2,
            userUsageCount={"grace": 2},
        ),
        _follower("02", couponId=ObjectId("60d21b4667d0d8992e610c85"), maxTotalLimit=5),
    ],
    "usageledger": [
        _move("60d21b4667d0d8992e610601", "add", 3, datetime(2023, 1, 20, 9, tzinfo=UTC)),
        _move("60d21b4667d0d8992e610602", "remove", -1, datetime(2023, 1, 20, 10, tzinfo=UTC)),
        _move("60d21b4667d0d8992e610603", "remove", -2, datetime(2023, 2, 3, tzinfo=UTC)),
    ],
    "orders": [_order(f"{number:02}", "ada") for number in range(1, 6)] + [_order("06", "grace")],
}
