"""Refusals about erasing."""

from regulars.platform.errors import Conflict


class ExportNotReady(Conflict):
    """The export is still being gathered, or could not be."""

    code = "export_not_ready"
    message = "The export is still being gathered. Ask again in a few seconds; if it failed, ask for a new one."


class NoErasureAsked(Conflict):
    """There is nothing to withdraw: nobody asked, it was withdrawn before, or it is being carried out."""

    code = "no_erasure_asked"
    message = "No erasure of this member waits, so none can be withdrawn. Once its time has come it cannot be stopped."
