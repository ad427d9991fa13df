"""No row holds anything of what was sent but names: no code, no address, no card, no key, no token."""

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.activity.support import rows_of
from tests.support.api import ADMIN_KEY, Api, client_of, token, unique
from tests.support.eventually import eventually
from tests.support.orders import CARD_NUMBER, make_order
from tests.support.usage import follow

_networks = count(1)
NAMES = ("redeemerTwitterId", "twitterId", "username", "userId")
SECRET = st.text("abcdefghijkmnpqrstuvwxyz", min_size=12, max_size=12).map("Q".__add__)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "couponCode": SECRET,
        "code": SECRET,
        "description": SECRET,
        "address": SECRET,
        "status": SECRET,
        "role": SECRET,
        "note": SECRET,
        "cardNumber": st.just(CARD_NUMBER),
        "followers": st.just(8_675_309),
        "usageAmount": st.just(8_675_309),
        "maxTotalLimit": st.just(8_675_309),
        "maxUses": st.just(8_675_309),
        "expiryDays": st.just(36_499),
        "redeemerTwitterId": SECRET,
        "username": SECRET,
        "userId": SECRET,
    },
)


def secrets_of(body: dict[str, Any]) -> list[str]:
    return [str(value) for name, value in body.items() if name not in NAMES]


@settings(max_examples=20)
@given(body=BODIES)
async def test_rows_hold_names_alone(api: Api, body: dict[str, Any]) -> None:
    request_id, order = unique("request-"), await make_order(api.services)
    campaign, key = await follow(api, maxTotalLimit=1), {"x-admin-key": ADMIN_KEY, "x-request-id": request_id}
    user = {"authorization": f"Bearer {(shown := token(order.user_id))}", "x-request-id": request_id}
    # Of one address only so many refusals have a row.
    async with client_of(api.app, f"2001:db8:{next(_networks):x}::1") as http:
        ask = http.request
        await ask("POST", "/api/redeem", json=body, headers=key)
        await ask("POST", "/api/access-code/redeem", json=body, headers=key)
        await ask("POST", "/admin/access-code", json=body, headers=key)
        await ask("POST", "/api/usageFollower/create-follower", json=body, headers=key)
        await ask("POST", "/api/usageFollower/add-usage", json=body | {"campaignId": campaign}, headers=user)
        await ask("POST", "/api/usageFollower/add-usage", json=body | {"campaignId": campaign}, headers=key)
        await ask("PATCH", f"/api/order/{order.id}", json=body, headers=key)
        units = {"productId": "p1", "quantity": "1", **{name: str(value) for name, value in body.items()}}
        await ask("POST", f"/api/order/refundProductFromOrder/{order.id}", params=units, headers=user)
        await ask("POST", f"/api/order/refundOrder/{order.id}", headers=user)
    await eventually(lambda: not api.services.activity_log.waiting, within=10)
    rows = await rows_of(api.services, requestId=request_id)
    assert len(rows) >= 3
    text = repr(rows)
    names = {str(value) for name, value in body.items() if name in NAMES}
    hidden = [ADMIN_KEY, shown, "127.0.0.1", order.address, "0042", *secrets_of(body)]
    assert [one for one in hidden if one in text and one not in names] == []
