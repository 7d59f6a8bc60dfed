"""The second factor: time-based codes (RFC 6238) and recovery codes, and the keys under which they are kept."""

from base64 import b64decode, urlsafe_b64encode
from datetime import datetime
from hmac import compare_digest, digest
from typing import Final
from uuid import UUID

import msgspec

from regulars.platform import clock
from regulars.platform.auth.staff import store
from regulars.platform.auth.staff.contracts import Enrolment, How
from regulars.platform.auth.staff.limits import ENROLMENT_LASTS, RECOVERY_CODE_LENGTH, RECOVERY_CODES
from regulars.platform.auth.staff.rules import STEPS_ASIDE, step_of
from regulars.platform.auth.tokens import new_typed_code, read_typed_code
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import VaultBroken

ISSUER: Final = "Regulars"
_TOTP_DIGITS: Final = 6
_FIELD: Final = "staff totp"
_ENROLMENT: Final = "staff enrolment"


class _Waiting(msgspec.Struct, frozen=True):
    secret: str
    until: datetime


class Factors:
    """Makes, keeps and checks second factors, under keys that follow from the vault's pepper."""

    def __init__(self, pepper: bytes) -> None:
        self._sealing = key_for(pepper, "staff second factor")
        self._hashing = key_for(pepper, "staff recovery code")

    def sealed(self, staff_id: UUID, secret: str) -> bytes:
        """Return a secret as it is kept: readable for this account only."""
        return seal(self._sealing, secret.encode(), member_id=staff_id, field=_FIELD)

    def begin(self, staff_id: UUID, email: str) -> Enrolment:
        """Return a fresh secret to be set up within a quarter of an hour; nothing is written."""
        import pyotp  # noqa: PLC0415 - needed by those who sign in only

        secret = pyotp.random_base32()
        return self.shown(staff_id, email, secret)

    def shown(self, staff_id: UUID, email: str, secret: str) -> Enrolment:
        """Return a secret as it is shown while it is set up."""
        import pyotp  # noqa: PLC0415 - as above

        waiting = msgspec.json.encode(_Waiting(secret, clock.wall_now() + ENROLMENT_LASTS))
        token = urlsafe_b64encode(seal(self._sealing, waiting, member_id=staff_id, field=_ENROLMENT)).decode()
        uri = pyotp.TOTP(secret, name=email, issuer=ISSUER).provisioning_uri()
        return Enrolment(token=token, secret=secret, uri=uri)

    def secret_of(self, staff_id: UUID, token: str) -> str | None:
        """Return the secret that an enrolment's token carries; None if it is another account's, too old, or made up."""
        try:
            opened = unseal(
                self._sealing, b64decode(token, altchars=b"-_", validate=True), member_id=staff_id, field=_ENROLMENT
            )
        except (VaultBroken, ValueError):
            return None
        waiting = msgspec.json.decode(opened, type=_Waiting)
        return waiting.secret if clock.wall_now() < waiting.until else None

    def secret_in(self, staff_id: UUID, sealed_totp: bytes) -> str:
        """Return the secret that is kept of an account."""
        return unseal(self._sealing, sealed_totp, member_id=staff_id, field=_FIELD).decode()

    def step_of_code(self, secret: str, code: str) -> int | None:
        """Return the 30 seconds whose code this is, of those around now; None if it is none's."""
        import pyotp  # noqa: PLC0415 - as above

        typed = "".join(code[:20].split())
        if len(typed) != _TOTP_DIGITS or not typed.isascii() or not typed.isdigit():
            return None
        now, totp = step_of(clock.wall_now()), pyotp.TOTP(secret)
        matching = [
            step
            for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1)
            if compare_digest(totp.generate_otp(step), typed)
        ]
        return matching[-1] if matching else None

    async def accept(self, tx: Transaction, staff_id: UUID, sealed_totp: bytes, code: str) -> How | None:
        """Use a code, of the phone or of the recovery list; None if it is wrong or was used. Each is good once."""
        step = self.step_of_code(self.secret_in(staff_id, sealed_totp), code)
        if step is not None:
            taken = await store.take(tx, store.TAKE_TOTP_STEP, (step, staff_id, step))
            return How.CODE if taken else None
        code_hash = self._recovery_hash(staff_id, read_typed_code(code))
        used = await store.take(tx, store.TAKE_RECOVERY_CODE, (clock.wall_now(), staff_id, code_hash))
        return How.RECOVERY if used else None

    def new_recovery_codes(self, tx: Transaction, staff_id: UUID) -> tuple[str, ...]:
        """Replace the recovery codes of an account; return them, to be shown this once."""
        codes = [new_typed_code(RECOVERY_CODE_LENGTH) for _ in range(RECOVERY_CODES)]
        store.insert_recovery_codes(tx, staff_id, [self._recovery_hash(staff_id, code) for code in codes])
        half = RECOVERY_CODE_LENGTH // 2
        return tuple(f"{code[:half]}-{code[half:]}" for code in codes)

    def _recovery_hash(self, staff_id: UUID, code: str) -> bytes:
        return digest(self._hashing, staff_id.bytes + code.encode(), "sha256")
