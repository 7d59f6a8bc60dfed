"""How what the API names is called in Python."""

import builtins
import keyword
import re
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_NOUNS: Final = {"merging": "merge"}
# Operations whose name would lose its meaning without its noun, or keep one that says nothing.
_SPOKEN: Final = {
    "listOrdersOfMember": "list_of_member",
    "listMemberHouseholds": "list_of_member",
    "listTableExports": "list",
    "addToHousehold": "add_member",
    "removeFromHousehold": "remove_member",
}
_PREFIX_SAYS_NOTHING: Final = {"schemas", "answers", "contracts"}


def words(name: str) -> list[str]:
    """`listOrdersOfMember` gives `list`, `orders`, `of`, `member`."""
    return [word.lower() for word in _WORD.findall(name)]


def method_name(operation: str, tag: str) -> str:
    """Return what an operation is called in its group: `getOrder` is `client.orders.get`, `listStores` `stores.list`.

    Many at once keep their noun, as `putOrders` does beside `putOrder`.
    """
    if operation in _SPOKEN:
        return _SPOKEN[operation]
    noun = _NOUNS.get(tag, _singular(tag))
    said = words(operation)
    for place, word in enumerate(said):
        if place and _singular(word) == noun and (word == noun or said[0] == "list"):
            shorter = said[:place] + said[place + 1 :]
            name = "_".join(shorter)
            return "_".join(said) if keyword.iskeyword(name) else name
    return "_".join(said)


def iterating_name(method: str) -> str:
    """Return the name of what goes through all pages: `list_holds` gives `iterate_holds`."""
    first, _, rest = method.partition("_")
    return f"iterate_{rest}" if rest and first in {"list", "get"} else f"iterate_{method}" if rest else "iterate"


def downloading_name(method: str) -> str:
    """Return the name of what gives another form than JSON: `read_export` gives `download_export`."""
    return f"download_{method.partition('_')[2]}"


def class_name(tag: str) -> str:
    """`explanations` gives `Explanations`."""
    return "".join(word.capitalize() for word in re.split(r"[-_ ]", tag))


def module_name(tag: str) -> str:
    """Return the module of a group."""
    return re.sub(r"[- ]", "_", tag)


def argument(name: str) -> str:
    """Return a name as an argument or attribute: neither a keyword nor one of the names that Python brings along."""
    return f"{name}_" if keyword.iskeyword(name) or name in dir(builtins) else name


def struct_name(component: str) -> str:
    """Return a component's class: `loyalty_statement_schemas_LineAnswer` gives `StatementLineAnswer`."""
    *prefix, name = component.split("_")
    telling = [part for part in prefix if part not in _PREFIX_SAYS_NOTHING]
    return f"{telling[-1].capitalize()}{name}" if telling else name


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
