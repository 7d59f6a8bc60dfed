"""What `regulars demo` says once it serves: where the faces are, who may sign in, what to try by the API."""

from rich.console import Console
from rich.table import Table

from regulars.demo.facts import member_id_of
from regulars.demo.people import PEOPLE, STAFF, staff_email
from regulars.demo.visit import STORE
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.ids import public_id


def invite(console: Console, address: str, token: str, password: str) -> None:
    """Print addresses, sign-ins and commands to try. Long lines are left whole, to be copied."""

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(f"\nRegulars serves the year at {address}. Its clock stands at the beginning of 2018 and ticks on.\n")
    faces = Table("Face", "Address", "Come in as", box=None, pad_edge=False, header_style="dim")
    faces.add_row("The door", address, "anybody: one click for each below")
    faces.add_row("Portal", f"{address}/portal", f"{PEOPLE[0].email}, code in /outbox")
    faces.add_row("Console", f"{address}/console", f"{staff_email(Role.OWNER)}")
    faces.add_row("Store screen", f"{address}/store", f"a till of store {STORE}")
    console.print(faces, soft_wrap=True, highlight=False)
    people = Table("Sign-in", "Is", box=None, pad_edge=False, header_style="dim")
    for role in Role:
        people.add_row(staff_email(role), f"staff: {role.value.replace('_', ' ')}, {STAFF[role]}")
    for person, note in zip(PEOPLE, _NOTES, strict=True):
        people.add_row(person.email, f"member: {person.name}, {note}")
    line("")
    console.print(people, soft_wrap=True, highlight=False)
    line(f"\nThe password of all staff is {password}. The API is described at {address}/docs/api.")
    line("Try, in another terminal:\n")
    line(f"  R={address}")
    line(f"  A='Authorization: Bearer {token}'\n")
    for what, command in _commands():
        line(f"  # {what}\n  {command}\n")
    line("Stop with Ctrl-C; run it again and it goes on where it was.")


_NOTES = ("Diamond", "Gold", "Silver, close to Gold", "Regular, close to Silver")


def _commands() -> tuple[tuple[str, str], ...]:
    """Return what to try, each with what it is."""
    member = public_id("mbr", member_id_of(PEOPLE[0].household))
    order = (
        f'{{"member_id": "{member}", "state": "paid", "channel": "store", "store_id": "{STORE}", "market": "US", '
        '"total": {"amount_minor": 4999, "currency": "USD"}, "lines": [{"line_id": "1", "sku": "kettle", '
        '"quantity": "1", "amount": {"amount_minor": 4999, "currency": "USD"}}]}'
    )
    returned = '{"return_id": "r1", "lines": [{"line_id": "1", "quantity": "1"}]}'
    json_type = "-H 'Content-Type: application/json'"
    key = "-H 'Idempotency-Key: demo-1-r1'"
    return (
        ("a member's balances", f'curl -s $R/v1/members/{member}/wallets -H "$A"'),
        ("why: the statement", f"curl -s '$R/v1/members/{member}/statement?limit=3' -H \"$A\"".replace("'", '"')),
        ("the tier, and what is missing", f'curl -s $R/v1/members/{member}/tier -H "$A"'),
        ("a purchase", f"curl -s -X PUT $R/v1/orders/demo-1 -H \"$A\" {json_type} -d '{order}'"),
        (
            "its return",
            f"curl -s $R/v1/orders/demo-1/returns -H \"$A\" {key} {json_type} -d '{returned}'",
        ),
        ("what it caused", 'curl -s $R/v1/orders/demo-1/lineage -H "$A"'),
    )
