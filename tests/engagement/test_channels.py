"""What the doctor says of the channels: set up, contradicting, or without an address to lead to."""

import pytest
from msgspec.structs import replace

from regulars.entrypoints.doctor import channels
from regulars.platform.settings import Settings

BY_MAIL = Settings(smtp_host="mail.example", mail_sender="club@example.com")


@pytest.mark.parametrize(
    ("settings", "ok", "said"),
    [
        (Settings(), True, "Warning: nobody can sign in by a code"),
        (Settings(development=True), True, ""),
        (BY_MAIL, True, "Warning: letters lead nowhere"),
        (replace(BY_MAIL, public_url="https://club.example"), True, ""),
        (Settings(smtp_host="mail.example"), False, "REGULARS_MAIL_SENDER is not"),
        (Settings(sms_url="https://sms.example/", sms_body="{to}"), False, "REGULARS_SMS_BODY must be a JSON object"),
    ],
)
def test_the_doctor_says_what_can_be_sent(settings: Settings, *, ok: bool, said: str) -> None:
    found = channels(settings)

    assert (found.ok, said in found.remedy, bool(found.remedy)) == (ok, True, bool(said))
