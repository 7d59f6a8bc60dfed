"""Queries are read as strictly as bodies: a parameter that nobody knows is refused, not passed over.

Else `?dryrun=true`, a slip for `dry_run`, would write what was only to be tried.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler

from regulars.platform.http.asked import Asked, asked
from regulars.platform.http.errors import FieldUnknown, NotAChoice
from regulars.platform.http.expanding import EXPAND, EXPANDS, Expandable
from regulars.platform.http.likely import choices_at, likeliest
from regulars.platform.http.openapi import is_read
from regulars.platform.http.reading import MAX_ECHO
from regulars.platform.http.sparse import FIELDS, Form, form_of, form_of_type, want_too, wanted_in, with_place

if TYPE_CHECKING:  # private to Litestar, and named only in a signature
    from litestar._kwargs import KwargsModel


class KnownQueries:
    """Which query parameters each route takes, learnt as the framework reads its handlers."""

    def __init__(self) -> None:
        self._names: dict[int, frozenset[str]] = {}
        self._choices: dict[int, dict[str, list[str]]] = {}
        self._forms: dict[int, Form] = {}

    def learn(self, handler: HTTPRouteHandler, parameters: "KwargsModel") -> None:
        """Take over what was read of a handler."""
        self._names[id(handler)] = frozenset([parameter.field_alias for parameter in parameters.expected_query_params])
        annotations = {name: one.annotation for name, one in handler.parsed_fn_signature.parameters.items()}
        found = {
            parameter.field_alias: choices_at(annotations.get(parameter.field_name, Any), "")
            for parameter in parameters.expected_query_params
        }
        self._choices[id(handler)] = {name: choices for name, choices in found.items() if choices}
        self._forms[id(handler)] = form_of(handler) if is_read(handler) else None

    async def refuse_unknown(self, request: Request[Any, Any, Any]) -> None:  # Litestar would take a thread
        """Refuse a request that gives a parameter its route does not take; note what of the answer it wants, and along.

        Raises FieldUnknown, NotAChoice, AnswerFieldUnknown, TooManyFields, ExpansionUnknown, ExpansionNotAllowed.
        """
        asking = asked(request.scope)
        if asking.older is not None:
            asking.take_operation(f"{request.scope['method']} {request.scope['path_template']}")
        if not request.scope["query_string"]:
            return
        handler, given = request.route_handler, request.query_params
        known = self._names.get(id(handler), frozenset())
        choices = self._choices.get(id(handler), {})
        form = _form_then(asking) or self._forms.get(id(handler))
        expandable: Expandable | None = handler.opt.get(EXPANDS)
        common = {FIELDS: form is not None, EXPAND: expandable is not None}
        for name, value in given.multi_items():
            if name not in known and not common.get(name):
                may = [*known, *[one for one, is_taken in common.items() if is_taken]]
                raise FieldUnknown(pointer=f"/query/{name}", field=name, known=likeliest(name, sorted(may)))
            if name in choices and value not in choices[name]:
                told = likeliest(value, choices[name])
                raise NotAChoice(pointer=f"/query/{name}", field=name, value=value[:MAX_ECHO], choices=told)
        fields = ",".join(given.getall(FIELDS)) if FIELDS in given and FIELDS not in known else None
        if expandable is not None and EXPAND in given:
            _expand(asking, expandable, ",".join(given.getall(EXPAND)), fields, form)
        elif form is not None and fields is not None:
            asking.fields = wanted_in(fields, form)


def _form_then(asking: Asked) -> Form:
    """Return the form of the answer in the older version that is spoken, if it was another."""
    return None if asking.turn is None or asking.turn.answered is None else form_of_type(asking.turn.answered)


def _expand(asking: Asked, expandable: Expandable, names: str, fields: str | None, form: Form) -> None:
    """Note what is to be given along: of that, too, only some fields may be wanted."""
    wanted = expandable.wanted(names, asking.client)
    asking.expand = partial(expandable.fill, wanted=wanted, principal=asking.client, language=asking.language)
    if fields is None:
        return
    for one in wanted:
        # What was given along then may have been another, too: of that any name is taken.
        given = form_of_type(one.related.answer) if _form_then(asking) is None else None
        form = with_place(form, one.name.split("."), given)
    asking.fields = wanted_in(fields, form or {})
    for one in wanted:
        want_too(asking.fields, one.name.split("."))
