"""What those who acted are called: staff by their names, programs by their keys' labels, tills by their devices' names.

Books and logs have them as `staff:stf_…`, `key:ak_…`, `device:dev_…`: only those that are there are looked up.
"""

from collections.abc import Iterable

from regulars.commerce import api as commerce
from regulars.platform.auth import service as keys
from regulars.platform.auth.staff import service as staff
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import say

_DEVICE_PREFIX = "dev"


async def names_of_staff(tx: Transaction) -> dict[str, str]:
    """Return what every account of staff is called, by how the books name it."""
    return {f"staff:{one.public_id}": one.name for one in await staff.list_accounts(tx)}


async def names_of_programs(tx: Transaction, actors: Iterable[str | None], language: str) -> dict[str, str]:
    """Return what the keys and devices among some actors are called. Nothing is asked where there are none."""
    asked = [actor for actor in actors if actor is not None]
    names = {}
    if any(actor.startswith("key:") for actor in asked):
        for key in await keys.list_keys(tx):
            actor = f"key:{public_id(keys.ID_PREFIX, key.key_id)}"
            names[actor] = say("Key {label}", language, label=key.label)
    if any(actor.startswith("device:") for actor in asked):
        for device in await commerce.list_store_devices(tx, None):
            actor = f"device:{public_id(_DEVICE_PREFIX, device.device_id)}"
            names[actor] = f"{device.name} ({device.store_name})"
    return {actor: name for actor, name in names.items() if actor in asked}


async def names_of(tx: Transaction, actors: Iterable[str | None], language: str) -> dict[str, str]:
    """Return what each of some actors is called: whoever works at a command line by their own name for it."""
    asked = [actor for actor in actors if actor is not None]
    told = await names_of_staff(tx) if any(actor.startswith("staff:") for actor in asked) else {}
    return told | await names_of_programs(tx, asked, language)
