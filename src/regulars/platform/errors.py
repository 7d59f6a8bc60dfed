"""The one error tree: whatever a caller did wrong or may not have is a `DomainError`.

    DomainError
    ├── InvalidInput (400, 422)      the request says something impossible; a JSON Pointer names the field
    ├── NotAuthenticated (401), NotAllowed (403), NotFound (404)   tell nothing about what the caller may not see
    ├── Gone (410)                   it was there, and was destroyed for good
    ├── Conflict (409)               what is there forbids it
    └── TemporarilyUnavailable (503) try again; nothing acknowledged is lost

Every leaf has a stable `code`, an HTTP status, typed data and a sentence that a shopkeeper understands. The sentence
is English, at once the key of its translations, and names the remedy. Anything that is not a `DomainError` is a bug.
"""

from typing import ClassVar

from regulars.platform.texts import in_figures, say

Datum = str | int | bool | None


class DomainError(Exception):
    """A refusal with a stable code. `data` fills the sentence's placeholders and travels in the answer.

    `near_miss` is a second sentence, where there is one: how little was missing. What `data` holds beside the places of
    both explains the refusal later (`policy_version`, above all).
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "This request cannot be carried out."
    near_miss: ClassVar[str] = ""

    def __init__(self, *, pointer: str | None = None, **data: Datum) -> None:
        super().__init__(self.code, pointer, data)
        self.pointer = pointer
        self.data = data

    def said(self, language: str) -> str:
        """Return the sentence in a language."""
        return say(self.message, language, **in_figures(self.data))

    def __str__(self) -> str:
        return f"{self.code}: {self.message.format_map(self.data)}"


class InvalidInput(DomainError):
    """The request is not what it should be; change it before sending it again."""

    code = "invalid_input"
    status = 422
    message = "The value is not allowed: {problem}. Correct it and send the request again."


class MalformedRequest(InvalidInput):
    """The body or a header cannot be read at all."""

    code = "malformed_request"
    status = 400
    message = (
        "The request cannot be read: {problem}. Send well-formed JSON in UTF-8, as the API reference describes it."
    )


class BodyTooLarge(InvalidInput):
    """The body exceeds the limit of the deployment."""

    code = "body_too_large"
    status = 413
    message = "The request body is larger than {limit_bytes} bytes. Split it into smaller requests."


class BodyTooSlow(InvalidInput):
    """The body took longer to arrive than a caller may take."""

    code = "body_too_slow"
    status = 408
    message = "The request body did not arrive within {limit_seconds} s. Send the same request with the same key again."


class NotAuthenticated(DomainError):
    """No valid credentials."""

    code = "not_authenticated"
    status = 401
    message = "Send a valid API key in the header “Authorization: Bearer rgl_…”."


class NotAllowed(DomainError):
    """The credentials are valid, their scopes do not reach this."""

    code = "not_allowed"
    status = 403
    message = "This API key may not do that. It needs the scope {scope}."


class NotFound(DomainError):
    """Nothing here that the caller may see."""

    code = "not_found"
    status = 404
    message = "There is nothing here. Check the address and the id."


class Gone(DomainError):
    """What was here was destroyed for good."""

    status = 410


class MethodNotAllowed(DomainError):
    """The address exists, not with this method."""

    code = "method_not_allowed"
    status = 405
    message = "This address does not take this method. See the API reference."


class Conflict(DomainError):
    """What is there forbids what is asked."""

    code = "conflict"
    status = 409
    message = "Something else was changed at the same moment. Read the current state and try again."


class TemporarilyUnavailable(DomainError):
    """The service cannot answer now; a retry with the same idempotency key is safe."""

    code = "temporarily_unavailable"
    status = 503
    message = (
        "The service cannot answer at this moment. Send the same request with the same key again in a few seconds."
    )
