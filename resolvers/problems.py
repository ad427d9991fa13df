"""Refusals become union members where the field's result has them; what a field does not expect stays an error."""

from models.errors import DomainError
from models.orders.order import NotEnoughQuantity as NotEnoughQuantityError
from models.usage.follower import UsageLimitReached as UsageLimitReachedError
from resolvers.context import Info
from schema.order import NotEnoughQuantity
from schema.problems import PROBLEMS, Problem
from schema.usage_limit import UsageLimitReached


class ProblemHandler:
    """A `strawberry.ExceptionHandler` that shows the refusals of one class as the type that stands for them."""

    def __init__(self, exception_type: type[DomainError], error_type: type[Problem]) -> None:
        self.exception_type, self.error_type = exception_type, error_type

    def handle(self, exception: DomainError, *, info: Info, **_: object) -> Problem:
        info.context.refused = info.context.refused or exception.code
        return self.error_type.of(exception)


# The first that fits is taken: a refusal with a type of its own stands before the class that it derives from.
OF_THEIR_OWN: dict[type[DomainError], type[Problem]] = {
    UsageLimitReachedError: UsageLimitReached,
    NotEnoughQuantityError: NotEnoughQuantity,
}
PROBLEM_HANDLERS = [ProblemHandler(refusal, problem) for refusal, problem in (OF_THEIR_OWN | PROBLEMS).items()]
