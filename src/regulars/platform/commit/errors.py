"""Refusals of the commit path."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class IdempotencyKeyReused(InvalidInput):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    status = 422
    message = (
        "The Idempotency-Key was already used for a different request. "
        "Use a new key for a new request; repeat the same body to get the first answer again."
    )


class IdempotencyKeyMissing(InvalidInput):
    """A POST came without a key."""

    code = "idempotency_key_missing"
    status = 400
    message = "Send the header Idempotency-Key (1 to 255 characters), so that a retry is never carried out twice."


class MemberBusy(Conflict):
    """Another transaction holds the member for longer than we wait."""

    code = "member_busy"
    status = 409
    message = "This member is being changed by another request. Try again in {retry_after_seconds} s with the same key."


class RefusedToSeveral(Conflict):
    """Callers choose the ids of their requests; more than one chose this."""

    code = "refused_to_several"
    message = "Several were refused under this request id: {clients}. Say whose you mean with “client”."


class RefusalNotKept(NotFound):
    """No refusal of this request is kept, or it was another caller's."""

    code = "refusal_not_kept"
    message = (
        "No refusal is kept under this id that you may see. Refusals of changes (409 and 422) are kept for 90 days; "
        "others say everything in their answer."
    )
