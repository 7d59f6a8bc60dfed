"""Refusals of staff accounts and of signing in. None of them tells whether there is an account."""

from regulars.platform.errors import Conflict, DomainError, InvalidInput


class SignInRefused(DomainError):
    """E-mail and password do not go together, or there is no such account, or it may not sign in."""

    code = "sign_in_refused"
    status = 401
    message = "E-mail and password do not go together. Check both; who forgot the password asks an owner for a link."


class CodeRefused(DomainError):
    """Not the code of this moment, one that was used, or no recovery code that is left."""

    code = "code_refused"
    status = 401
    message = "This code is wrong, or was used already. Wait for the next one, or use a recovery code."


class SignInStale(DomainError):
    """Too much time, or too many wrong codes, since the password."""

    code = "sign_in_stale"
    status = 401
    message = "This sign-in took too long, or had too many wrong codes. Begin again with your password."


class SignInElsewhereRefused(DomainError):
    """The identity provider's answer does not hold, or leads to no account."""

    code = "sign_in_elsewhere_refused"
    status = 401
    message = "Signing in through your identity provider did not work. Try again, or ask an owner for an account."


class LinkDead(DomainError):
    """A one-time link that was used, replaced, or is too old."""

    code = "link_dead"
    status = 404
    message = "This link was used already, or is too old. Ask an owner for a new one."


class StaffNotAllowed(DomainError):
    """Somebody is signed in whose roles or stores do not reach this."""

    code = "staff_not_allowed"
    status = 403
    message = "Your role does not reach this. Ask an owner if you need it."


class PasswordWrong(InvalidInput):
    """The password that is asked for again before something that matters is not the account's."""

    code = "password_wrong"
    message = "This is not your password. Type the one with which you sign in."


class PasswordTooShort(InvalidInput):
    """A password that could be guessed."""

    code = "password_too_short"
    message = "The password has fewer than {at_least} characters. Take a longer one; four words will do."


class PasswordTooLong(InvalidInput):
    """More than anybody types."""

    code = "password_too_long"
    message = "The password has more than {at_most} characters. Take a shorter one."


class PasswordGuessable(InvalidInput):
    """The e-mail address, the name, the same as before, or one sign again and again."""

    code = "password_guessable"
    message = "This password is easy to guess: it repeats itself, or is your address, or your old one. Take another."


class StaffEmailImpossible(InvalidInput):
    """Not an e-mail address."""

    code = "staff_email_impossible"
    message = "This is not an e-mail address. Write it as name@example.com."


class StaffNameImpossible(InvalidInput):
    """No name, or one that is far too long."""

    code = "staff_name_impossible"
    message = "A name has 1 to {at_most} characters, without line breaks."


class RolesMissing(InvalidInput):
    """An account that may do nothing."""

    code = "roles_missing"
    message = "Choose at least one role. To shut somebody out, disable the account."


class StoresMissing(InvalidInput):
    """A role that works in shops, without a shop."""

    code = "stores_missing"
    message = "Who works in stores needs stores: choose at least one."


class StaffEmailTaken(Conflict):
    """There is an account with this address already; told only to those who may see accounts."""

    code = "staff_email_taken"
    message = "There is an account with this e-mail address already. Change that one, or give another address."


class LastOwner(Conflict):
    """Nobody could ever let anybody in again."""

    code = "last_owner"
    message = "This is the last owner who can sign in. Make somebody else an owner first."


class NotOnYourself(Conflict):
    """Somebody tried to change their own roles, stores or status."""

    code = "not_on_yourself"
    message = "Nobody changes their own roles, stores or status. Ask another owner."


class AccountDisabled(Conflict):
    """A link was asked for an account that is shut out."""

    code = "account_disabled"
    message = "This account is disabled. Enable it first."
