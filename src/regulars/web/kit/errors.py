"""What pages refuse before anything is looked at."""

from regulars.platform.errors import InvalidInput, NotAllowed, NotAuthenticated


class SignInNeeded(NotAuthenticated):
    """Nobody is signed in, or not any more. A browser is sent to the sign-in page `at`."""

    code = "sign_in_needed"
    status = 401
    message = "Please sign in."


class PermissionNeeded(NotAllowed):
    """Whoever is signed in has no role that allows this."""

    code = "permission_needed"
    status = 403
    message = "Your role does not include this. Ask an owner of the programme if you need it."


class ForeignRequest(NotAllowed):
    """A form that was sent from another site, or from a program that does not say where it comes from."""

    code = "foreign_request"
    status = 403
    message = "This was not sent from a page of this site, so nothing was done. Open the page here and try again."


class FormUnreadable(InvalidInput):
    """The body of a form is not what browsers send."""

    code = "form_unreadable"
    status = 400
    message = "The form could not be read. Open the page again and fill it in once more."
