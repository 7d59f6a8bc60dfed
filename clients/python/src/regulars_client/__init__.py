"""The typed client of Regulars. See the README beside it: from a key to the first order in an afternoon."""

from regulars_client.client import AsyncRegulars, Regulars
from regulars_client.errors import (
    BadRequest,
    Conflict,
    Failed,
    Gone,
    Invalid,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotFromRegulars,
    RateLimited,
    Refused,
    RegularsError,
    TooLarge,
    UnexpectedAnswer,
)
from regulars_client.events import data_of
from regulars_client.retries import NO_RETRIES, Retries
from regulars_client.version import __version__
from regulars_client.webhooks import Webhooks

__all__ = [
    "NO_RETRIES",
    "AsyncRegulars",
    "BadRequest",
    "Conflict",
    "Failed",
    "Gone",
    "Invalid",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotFromRegulars",
    "RateLimited",
    "Refused",
    "Regulars",
    "RegularsError",
    "Retries",
    "TooLarge",
    "UnexpectedAnswer",
    "Webhooks",
    "__version__",
    "data_of",
]
