"""`make client`: write the Python client's generated modules from the API of this checkout."""

from clients.generate.tree import FOLDER, write, written

if __name__ == "__main__":
    changed = write(written())
    print(f"== client: {len(changed)} of its modules changed ({FOLDER})")  # noqa: T201 - says what it did
