"""Refusals of devices."""

from regulars.platform.errors import DomainError, InvalidInput


class EnrolmentCodeRefused(DomainError):
    """A code that was used, replaced, is too old, or was never made."""

    code = "enrolment_code_refused"
    status = 401
    message = "This code is wrong, was used already, or is older than 15 minutes. Make a new one in the console."


class DeviceNameImpossible(InvalidInput):
    """No name, or a far too long one."""

    code = "device_name_impossible"
    message = "Give the device a name of 1 to {at_most} characters, e.g. Till 2."
