"""A GraphQL type is made from what it shows by the names of its fields."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import pytest
import strawberry
from typing_extensions import override

from graphql_engine.compiled import Facts
from graphql_engine.engine import Engine
from models import errors
from models.coupons import coupon as models
from models.coupons.refusals import CouponNotFound
from models.values.ids import global_id
from schema.coupon import Coupon, RedeemCouponPayload
from schema.problems import PROBLEMS, InvalidInput, NotFound
from schema.relay import Shows

COUPON = models.Coupon(
    id="6" * 24,
    coupon_code="ABCD-EFGH",
    twitter_id="t1",
    username="ada",
    followers=1000,
    points=20,
    times_used=1,
    role=models.CouponRole.USER,
    active=True,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 2, tzinfo=UTC),
)


@dataclass
class Model:
    shown: int
    model: int = 2


@strawberry.type
class Plain(Shows[Model]):
    shown: int
    model: int


@strawberry.type
class Differing(Shows[Model]):
    shown: int
    more: int

    @classmethod
    @override
    def of(cls, model: Model, /) -> Self:
        return cls.by_name(model, more=model.shown + 1)


def test_an_entity_is_shown_by_its_attributes_and_both_its_ids() -> None:
    shown = Coupon.of(COUPON)
    assert (shown.id, shown.database_id) == (global_id("Coupon", COUPON.id), COUPON.id)
    assert (shown.coupon_code, shown.points, shown.last_used_at) == ("ABCD-EFGH", 20, None)


def test_none_is_shown_as_none() -> None:
    assert Coupon.or_none(None) is None
    assert Coupon.or_none(COUPON) == Coupon.of(COUPON)


def test_only_what_differs_is_said() -> None:
    assert Differing.of(Model(1)) == Differing(shown=1, more=2)
    assert Plain.by_name(Model(1), model=5) == Plain(shown=1, model=5)
    payload = RedeemCouponPayload.of(models.Redemption(10, 10, replace(COUPON, points=10)))
    assert (payload.creator_points, payload.new_user) == (10, True)
    assert payload.new_coupon is not None


def test_a_field_that_the_model_does_not_have_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match="more"):
        Differing.by_name(Model(1))


def test_a_refusal_is_shown_by_the_type_of_its_class() -> None:
    assert PROBLEMS[errors.NotFound].of(CouponNotFound()) == NotFound(
        code=CouponNotFound.code, message="Coupon not found"
    )
    shown = InvalidInput.of(errors.InvalidInput.of("a", "a is required"))
    assert [(fault.path, fault.message) for fault in shown.fields] == [("a", "a is required")]


def test_the_executor_takes_such_a_type_as_plain() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def coupon(self) -> Plain:
            return Plain.of(Model(1))

    facts = Facts(Engine(query=Query))
    assert Plain in facts.types_by_class(facts.schema.type_map["Plain"])
