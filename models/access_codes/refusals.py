"""Why an access code is not used or switched."""

from models.errors import NotFound, RuleViolation


class AccessCodeNotFound(NotFound):
    """404: an admin named a code that does not exist."""

    code = "ACCESS_CODE_NOT_FOUND"
    message = "Access code not found"


class InvalidAccessCode(NotFound):
    """404: there is no such access code."""

    code = "INVALID_ACCESS_CODE"
    message = "Invalid access code"


class AccessCodeExpired(RuleViolation):
    """403, or 400 for activating: the code's time is over."""

    code = "ACCESS_CODE_EXPIRED"
    message = "Access code has expired"


class AccessCodeInactive(RuleViolation):
    """403: an admin has deactivated the code."""

    code = "ACCESS_CODE_INACTIVE"
    message = "Access code is inactive"


class AccessCodeFullyUsed(RuleViolation):
    """403, or 400 for activating: the code was used `maxUses` times."""

    code = "ACCESS_CODE_FULLY_USED"
    message = "Access code has reached maximum usage limit"


class AccessCodeAlreadyUsed(RuleViolation):
    """403: this user has used the code, which each may do once."""

    code = "ACCESS_CODE_ALREADY_USED"
    message = "You have already used this access code"


class CannotActivateFullyUsed(AccessCodeFullyUsed):
    status = 400
    message = "Cannot activate: maximum usage limit reached"


class CannotActivateExpired(AccessCodeExpired):
    status = 400
    message = "Cannot activate: access code has expired"
