"""What is told of the paths of access codes."""

from typing import Literal

from models.access_codes.access_code import (
    AccessCode,
    AccessCodeUsage,
    AccessCodeUse,
    ActivateAccessCode,
    CreateAccessCode,
    DeactivateAccessCode,
    DeleteAccessCode,
    GetAccessCode,
    ListAccessCodes,
    ListRedemptions,
    RedeemAccessCode,
)
from models.access_codes.refusals import (
    AccessCodeAlreadyUsed,
    AccessCodeExpired,
    AccessCodeFullyUsed,
    AccessCodeInactive,
    AccessCodeNotFound,
    CannotActivateExpired,
    CannotActivateFullyUsed,
    InvalidAccessCode,
)
from rest.openapi.description import PAGINATION, Answer, Description, ListOf, Nullable, Of, Shape, enveloped

TAG = "Access codes"
USABLE = (InvalidAccessCode(), AccessCodeExpired(), AccessCodeInactive(), AccessCodeFullyUsed())
SWITCHED = Shape(AccessCode, only=("code", "active"))
USES = ListOf(Shape(AccessCodeUse, only=("twitterId", "username", "redeemedAt")))
LISTED = Shape(AccessCode, "AccessCode", without=frozenset({"updatedAt", "batch", "isPublic"}), more={"usedBy": USES})
DETAILS = Shape(
    AccessCode,
    "AccessCodeDetails",
    without=frozenset({"_id", "updatedAt", "batch", "isPublic"}),
    more={"usedBy": USES, "stats": Shape(AccessCodeUsage)},
)
COUNTS = Shape(
    name="AccessCodeStats",
    more={
        "totalAccessCodes": Of(int, 12),
        "activeAccessCodes": Of(int, 8),
        "expiredAccessCodes": Of(int, 2),
        "fullyUsedAccessCodes": Of(int, 2),
        "totalUsages": Of(int, 245),
        "mostUsedCode": Nullable(Shape(AccessCode, only=("code", "description", "usedCount", "maxUses"))),
    },
)

VALIDATE = Description(
    "validateAccessCode",
    TAG,
    "Ask whether an access code can be used",
    Answer(
        "It can.",
        enveloped(
            Shape(
                AccessCode,
                only=("description", "expiresAt", "usedCount"),
                more={"remainingUses": Of(int, 40)},
            ),
            "Access code is valid",
            valid=Of(Literal[True], True),
        ),
    ),
    "What it is refused for says `valid: false`.",
    path=GetAccessCode,
    refuses=USABLE,
)
REDEEM = Description(
    "redeemAccessCode",
    TAG,
    "Use an access code",
    Answer(
        "It is used.",
        enveloped(Shape(AccessCode, only=("description", "active")), "Access code redeemed successfully"),
    ),
    "A user is known by the exact `username`.",
    body=RedeemAccessCode,
    refuses=(*USABLE, AccessCodeAlreadyUsed()),
)
OF_USER = Description(
    "listAccessCodesOfUser",
    TAG,
    "List the access codes that a user has used",
    Answer(
        "Those that there are.",
        enveloped(
            Shape(
                more={
                    "hasRedeemedAccessCode": Of(bool, True),
                    "accessCodes": ListOf(Shape(AccessCodeUse, only=("code", "description", "expiresAt", "createdAt"))),
                }
            )
        ),
    ),
    path=ListRedemptions,
)
CREATE = Description(
    "createAccessCode",
    TAG,
    "Create an access code",
    Answer(
        "The code that was made.",
        enveloped(
            Shape(
                more={"accessCode": Shape(AccessCode, only=("code", "description", "maxUses", "expiresAt", "active"))}
            )
        ),
        201,
    ),
    body=CreateAccessCode,
)
LIST_CODES = Description(
    "listAccessCodes",
    TAG,
    "List access codes, the newest first",
    Answer("A page of codes.", enveloped(Shape(more={"accessCodes": ListOf(LISTED), "pagination": PAGINATION}))),
    query=(ListAccessCodes,),
)
GET = Description(
    "getAccessCode",
    TAG,
    "Find an access code with its uses",
    Answer("The code.", enveloped(Shape(more={"accessCode": DETAILS}))),
    path=GetAccessCode,
    refuses=(AccessCodeNotFound(),),
)
DELETE = Description(
    "deleteAccessCode",
    TAG,
    "Delete an access code",
    Answer("It is deleted.", enveloped(message="Access code deleted successfully")),
    path=DeleteAccessCode,
    refuses=(AccessCodeNotFound(),),
)
ACTIVATE = Description(
    "activateAccessCode",
    TAG,
    "Switch an access code on",
    Answer("It is on.", enveloped(SWITCHED, "Access code activated successfully")),
    path=ActivateAccessCode,
    refuses=(AccessCodeNotFound(), CannotActivateFullyUsed(), CannotActivateExpired()),
)
DEACTIVATE = Description(
    "deactivateAccessCode",
    TAG,
    "Switch an access code off",
    Answer("It is off.", enveloped(SWITCHED, "Access code deactivated successfully")),
    path=DeactivateAccessCode,
    refuses=(AccessCodeNotFound(),),
)
STATS = Description("getAccessCodeStats", TAG, "Count access codes and uses", Answer("The counts.", enveloped(COUNTS)))
