"""What an event did, or was refused, has one row of activity, however often the event comes."""

from bson import ObjectId

from tests.integration.activity.support import refusals_of, rows_of
from tests.support.api import unique
from tests.support.consumers import EventWorld
from tests.support.eventually import eventually


async def test_an_event_that_comes_twice_has_one_row(world: EventWorld) -> None:
    campaigns = [str(ObjectId()) for _ in range(2)]
    for campaign in (campaigns[0], campaigns[0], campaigns[1]):
        headers = {"ce_id": f"made-{campaign}", "ce_source": "campaigns"}
        await world.send("campaignService-campaignCreated", {"_id": campaign}, key="same", headers=headers)
    followers = world.services.database.usage_followers

    async def both_followed() -> bool:
        wanted = {"campaignId": {"$in": [ObjectId(campaign) for campaign in campaigns]}}
        return await followers.count_documents(wanted) == 2

    await eventually(both_followed, within=60)
    for campaign in campaigns:
        (follower,) = await followers.find({"campaignId": ObjectId(campaign)}).to_list(None)
        (row,) = await rows_of(world.services, **{"objects._id": str(follower["_id"])})
        assert (row["verb"], row["transport"], row["outcome"]) == ("CREATE_USAGE_FOLLOWER", "KAFKA", "DONE")
        assert (row["by"], "requestId" in row) == ({"name": "system", "kind": "SYSTEM"}, False)


async def test_a_use_that_is_refused_is_found_by_its_user(world: EventWorld) -> None:
    campaign, user = str(ObjectId()), unique("user")
    await world.send("campaignService-campaignCreated", {"_id": campaign}, key="c")
    await world.send("basketService-setUsage-active", {"userId": user, "campaignIds": [campaign]})
    (row,) = await refusals_of(world.services, within=60, subjects=user)
    assert (row["verb"], row["transport"]) == ("ADD_USAGE", "KAFKA")
    assert row["code"] in ("NO_OPEN_HOLD", "USAGE_FOLLOWER_NOT_FOUND")
