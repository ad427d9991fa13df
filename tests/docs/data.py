"""The data that `docs/api.md` assumes: documents as the original services left them."""

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

SAMPLE: dict[str, list[dict[str, Any]]] = {
    "coupons": [
        {
            "_id": ObjectId("60d21b4667d0d8992e610c85"),
            "couponCode": "ABC1-DEF2",
            "twitterId": "1001",
            "username": "user_handle",
            "followers": 1500,
            "points": 20,
            "timesUsed": 2,
            "role": "creator",
            "active": True,
            "createdAt": datetime(2023, 1, 15, 12, tzinfo=UTC),
            "updatedAt": datetime(2023, 1, 20, 15, 30, tzinfo=UTC),
            "lastUsedAt": datetime(2023, 1, 20, 15, 30, tzinfo=UTC),
        },
        {
            "_id": ObjectId("60d21b4667d0d8992e610c86"),
            "couponCode": "GHJ3-KMN4",
            "twitterId": "1002",
            "username": "other_handle",
            "followers": 2500,
            "points": 0,
            "timesUsed": 0,
            "role": "creator",
            "active": True,
            "createdAt": datetime(2023, 1, 16, 12, tzinfo=UTC),
            "updatedAt": datetime(2023, 1, 16, 12, tzinfo=UTC),
        },
    ],
}
