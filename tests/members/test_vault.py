"""Keys outside the database: made once, durable, private, and gone when destroyed."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.platform.ids import new_id
from regulars.platform.vault.cipher import blind_index, key_for, seal, unseal
from regulars.platform.vault.contracts import Vault, VaultBroken
from regulars.platform.vault.journal import Erased, ErasureJournal
from regulars.platform.vault.local import LocalVault

keys = st.binary(min_size=32, max_size=32)
fields = st.text(min_size=1, max_size=20)


@given(keys, st.binary(max_size=200), st.uuids(), fields)
def test_what_is_sealed_opens_with_its_key_for_its_member_and_field(
    key: bytes, plaintext: bytes, member_id: UUID, field: str
) -> None:
    sealed = seal(key, plaintext, member_id=member_id, field=field)

    assert unseal(key, sealed, member_id=member_id, field=field) == plaintext
    assert sealed[0] == 1
    assert len(sealed) == len(plaintext) + 29
    assert sealed != seal(key, plaintext, member_id=member_id, field=field)


@given(keys, st.binary(max_size=50), st.uuids(), fields, st.data())
def test_what_is_sealed_opens_in_no_other_way(
    key: bytes, plaintext: bytes, member_id: UUID, field: str, data: st.DataObject
) -> None:
    sealed = seal(key, plaintext, member_id=member_id, field=field)
    at = data.draw(st.integers(0, len(sealed) - 1))
    bent = sealed[:at] + bytes([sealed[at] ^ data.draw(st.integers(1, 255))]) + sealed[at + 1 :]
    other_key = data.draw(keys.filter(lambda other: other != key))
    other_member = data.draw(st.uuids().filter(lambda other: other != member_id))
    other_field = data.draw(fields.filter(lambda other: other != field))

    for wrong in (
        lambda: unseal(key, bent, member_id=member_id, field=field),
        lambda: unseal(key, sealed[:at], member_id=member_id, field=field),
        lambda: unseal(other_key, sealed, member_id=member_id, field=field),
        lambda: unseal(key, sealed, member_id=other_member, field=field),
        lambda: unseal(key, sealed, member_id=member_id, field=other_field),
    ):
        _is_broken(wrong)


def _is_broken(opening: Callable[[], bytes]) -> None:
    with pytest.raises(VaultBroken):
        opening()


@given(keys, st.text(max_size=20), st.text(max_size=20))
def test_a_blind_index_is_equal_for_equal_values_only(pepper: bytes, one: str, other: str) -> None:
    assert blind_index(pepper, "phone", one) == blind_index(pepper, "phone", one)
    assert (blind_index(pepper, "phone", one) == blind_index(pepper, "phone", other)) is (one == other)
    assert blind_index(pepper, "phone", one) != blind_index(pepper, "card", one)
    assert blind_index(pepper, "phone", one) != blind_index(pepper[::-1] + b"x", "phone", one)


@given(keys, keys)
def test_each_purpose_has_a_key_of_its_own_that_no_blind_index_equals(pepper: bytes, other: bytes) -> None:
    made = key_for(pepper, "request-hash")
    assert made == key_for(pepper, "request-hash")
    assert len(made) == 32
    assert len({made, key_for(pepper, "another"), pepper, blind_index(pepper, "request-hash", "")}) == 4
    assert (made == key_for(other, "request-hash")) is (pepper == other)
    with pytest.raises(ValueError, match="not a purpose"):
        key_for(pepper, "phone\x00+8613800138000")


@pytest.mark.anyio
async def test_keys_are_made_once_and_outlive_the_process(tmp_path: Path) -> None:
    first, second, third = new_id(), new_id(), new_id()
    vault: Vault = (opened := LocalVault(tmp_path / "vault"))

    made = await vault.make_keys([first, second])
    again = await vault.make_keys([second, third])

    assert {len(key) for key in made.values()} == {32}
    assert len({*made.values(), *again.values()}) == 3
    assert again[second] == made[second]
    opened.close()
    reopened = LocalVault(tmp_path / "vault")
    assert await reopened.keys_of([first, second, third, new_id()]) == made | again
    assert reopened.pepper == vault.pepper
    assert reopened.fingerprint == vault.fingerprint
    assert len(vault.pepper) == 32
    reopened.close()


@pytest.mark.anyio
async def test_a_destroyed_key_is_gone_everywhere_at_once_and_never_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    one, other = LocalVault(folder), LocalVault(folder)
    erased, kept = new_id(), new_id()
    made = await one.make_keys([erased, kept])
    wrapped = one._reader.wrapped_keys([erased])[erased]
    assert any(wrapped in path.read_bytes() for path in folder.iterdir())
    assert await other.keys_of([erased]) == {erased: made[erased]}

    await one.destroy(erased)
    await one.destroy(erased)

    assert await other.keys_of([erased, kept]) == {kept: made[kept]}
    assert await other.make_keys([erased, kept]) == {kept: made[kept]}
    assert not any(wrapped in path.read_bytes() for path in folder.iterdir())
    one.close()
    other.close()


@pytest.mark.anyio
async def test_a_key_can_be_destroyed_before_it_was_made(tmp_path: Path) -> None:
    vault, erased = LocalVault(tmp_path / "vault"), new_id()

    await vault.destroy(erased)

    assert await vault.make_keys([erased]) == {}
    vault.close()


@pytest.mark.anyio
async def test_an_older_copy_of_the_vault_brings_no_key_back(tmp_path: Path) -> None:
    folder, kept = tmp_path / "vault", new_id()
    vault, erased = LocalVault(folder), new_id()
    made = await vault.make_keys([erased, kept])
    vault.close()
    shutil.copytree(folder, tmp_path / "backup")
    vault = LocalVault(folder)
    await vault.destroy(erased)
    at = (await vault.erased())[erased]
    vault.close()

    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    restored = LocalVault(folder)

    assert await restored.keys_of([erased, kept]) == {kept: made[kept]}
    assert await restored.make_keys([erased]) == {}
    assert await restored.erased() == {erased: at}
    restored.close()
    (tmp_path / "vault.erasures").unlink()  # and a journal that is lost is written anew from the vault
    again = LocalVault(folder)
    assert await again.erased() == {erased: at}
    again.close()


def test_a_journal_survives_a_torn_line_and_no_other_damage(tmp_path: Path) -> None:
    path, first, second = tmp_path / "vault.erasures", new_id(), new_id()
    journal, at = ErasureJournal(path), datetime(2026, 5, 1, tzinfo=UTC)
    assert journal.read() == {}
    journal.append([Erased(first, at)])
    with path.open("ab") as stream:
        stream.write(b'{"member_id":"0190')  # the machine stopped here

    assert journal.read() == {first: at}
    journal.append([Erased(second, at)])
    assert journal.read() == {first: at, second: at}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.write_bytes(b"x" + path.read_bytes())
    with pytest.raises(VaultBroken, match="line 1"):
        journal.read()
    with pytest.raises(VaultBroken, match="line 1"):
        LocalVault(tmp_path / "vault")


def test_of_a_journal_is_read_what_came_since(tmp_path: Path) -> None:
    """Who asks about some is not told of all: of a journal of years only the new lines are read."""
    path, ids = tmp_path / "vault.erasures", [new_id() for _ in range(4)]
    journal, at = ErasureJournal(path), datetime(2026, 5, 1, tzinfo=UTC)
    assert journal.times_of(ids) == {}
    journal.append([Erased(one, at) for one in ids[:2]])
    assert journal.times_of(ids[1:]) == {ids[1]: at}
    path.write_bytes(path.read_bytes().replace(b"{", b"x", 1))  # a line that was read is not read again ...
    ErasureJournal(path).append([Erased(ids[2], at), Erased(ids[1], at.replace(year=2027))])  # by another process
    with path.open("ab") as stream:
        stream.write(b'{"member_id":"0190')  # and the machine stopped here
    assert journal.times_of(ids) == dict.fromkeys(ids[:3], at)

    path.rename(tmp_path / "older")  # ... but a file in its place is read anew
    assert journal.times_of(ids) == {}
    (tmp_path / "copy").write_bytes((tmp_path / "older").read_bytes())
    (tmp_path / "copy").rename(path)
    with pytest.raises(VaultBroken, match="line 1"):
        journal.times_of(ids)


def test_everything_is_private_to_its_owner(tmp_path: Path) -> None:
    vault = LocalVault(tmp_path / "vault")

    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "vault").iterdir()}
    assert {"keys.sqlite3", "master.key", "pepper.key"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    vault.close()


@pytest.mark.parametrize("lost", ["master.key", "pepper.key"])
def test_a_lost_secret_is_never_replaced(tmp_path: Path, lost: str) -> None:
    LocalVault(tmp_path / "vault").close()
    (tmp_path / "vault" / lost).unlink()

    with pytest.raises(VaultBroken, match="missing"):
        LocalVault(tmp_path / "vault")

    assert not (tmp_path / "vault" / lost).exists()


def test_half_a_secret_is_refused(tmp_path: Path) -> None:
    LocalVault(tmp_path / "vault").close()
    (tmp_path / "vault" / "pepper.key").write_bytes(b"short")

    with pytest.raises(VaultBroken, match="32 bytes"):
        LocalVault(tmp_path / "vault")


@pytest.mark.anyio
async def test_keys_of_another_master_do_not_open(tmp_path: Path) -> None:
    vault, member_id = LocalVault(tmp_path / "vault"), new_id()
    await vault.make_keys([member_id])
    vault.close()
    (tmp_path / "vault" / "master.key").write_bytes(bytes(32))

    other = LocalVault(tmp_path / "vault")
    with pytest.raises(VaultBroken, match="does not open"):
        await other.keys_of([member_id])
    other.close()


TOGETHER = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from regulars.platform.vault.local import LocalVault
sys.stdin.readline()
vault = LocalVault(Path(sys.argv[1]))
ids = [UUID(int=n) for n in range(100)]
made = asyncio.run(vault.make_keys(ids))
print(vault.pepper.hex(), vault.fingerprint, *[made[one].hex() for one in ids])
"""


def test_processes_that_start_at_once_agree_on_every_secret(tmp_path: Path) -> None:
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER, str(tmp_path / "vault")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in starting:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0] for process in starting]

    assert [process.returncode for process in starting] == [0] * 4
    assert len(answers[0].split()) == 102
    assert len(set(answers)) == 1
