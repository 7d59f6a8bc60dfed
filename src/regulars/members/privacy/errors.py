"""Refusals about erasing."""

from regulars.platform.errors import Conflict


class NoErasureAsked(Conflict):
    """There is nothing to withdraw: nobody asked, it was withdrawn before, or it is being carried out."""

    code = "no_erasure_asked"
    message = "No erasure of this member waits, so none can be withdrawn. Once its time has come it cannot be stopped."
