"""The description of the API (OpenAPI 3.1): Litestar's, completed with what every operation has in common."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, OAuthFlow, OAuthFlows, SecurityScheme

from regulars.platform.auth.contracts import SCOPES
from regulars.platform.http.expanding import EXPAND, EXPANDS, Expandable, describe_expansions
from regulars.platform.http.guards import Requires, RequiresKey
from regulars.platform.http.late_routes import read_all
from regulars.platform.http.problems import PROBLEM_JSON, Problem
from regulars.platform.http.sparse import FIELDS, form_of
from regulars.platform.http.versions import OF_PROGRAMS, VERSION_HEADER, VERSIONS
from regulars.platform.public_events.catalogue import PUBLIC_TYPES, PublicType
from regulars.platform.public_events.contracts import PublicEvent
from regulars.platform.public_events.telling import DATA_STRUCTS, data_struct, first_sentence

_REASONS: Final = {
    400: "The request cannot be read, or a required header is missing.",
    401: "No valid API key was sent.",
    403: "The API key lacks the scope, or may not be used from this address.",
    404: "There is nothing here that this key may see.",
    408: "The body did not arrive in time.",
    409: "What is there forbids it. With `Retry-After`: somebody else is changing the same member; try again.",
    410: "What was there is there no more.",
    413: "The body is larger than this deployment reads.",
    422: "A field is wrong (`errors` points to it), or the idempotency key was used for another request.",
    429: "The API key sends too many requests. Wait for `Retry-After`; same key.",
    500: "A fault in Regulars. Report it with the request id.",
    503: "Not at this moment. Repeat it with the same key after `Retry-After`.",
}
_MUTATING: Final = frozenset({"post", "put", "patch", "delete"})
_KEY_HEADER: Final = "Idempotency-Key"
_SECURITY: Final = "api_key"
_OAUTH: Final = "oauth2"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
_SIGNED_BY: Final = {
    "webhook-id": "The event's id, the same however often it comes.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; two while two secrets hold.",
}
ONLY_READS: Final = "only_reads"  # an option of a POST that changes nothing, and so takes no idempotency key
ALSO_REFUSES: Final = "also_refuses"  # an option that names refusals which only few operations meet, by their status
TAKES_BYTES: Final = "takes_bytes"  # an option that names the media type of a body that is taken as it comes
ALSO_ANSWERS: Final = "also_answers"  # an option that names media types of answers that are no JSON
_FIELDS_PARAMETER: Final = {
    "name": FIELDS,
    "in": "query",
    "required": False,
    "description": "Which fields the answer shall have, with commas between; one within another with a dot "
    "(`lines.sku`). Without it all. `has_more` and `next_cursor` are always there.",
    "schema": {"type": "string"},
}
_DESCRIBED: Final = "described"  # in the application's state
_EXAMPLES: Final = Path(__file__).with_name("worked_examples.json")  # written from requests carried out: `make docs`


def openapi_config(version: str) -> OpenAPIConfig:
    """Return Litestar's part."""
    return OpenAPIConfig(
        # The description itself; no page that draws it, as those fetch their scripts from elsewhere.
        render_plugins=[JsonRenderPlugin()],
        title="Regulars",
        version=version,
        summary="The open membership system: one member, one ledger, every channel.",
        description=(
            "Every mutation takes `Idempotency-Key`: the same key and body give the stored answer again, with the "
            "header `Idempotency-Replayed: true`. Every refusal is a problem document (RFC 9457) in the language of "
            "`Accept-Language` (en, zh). Money is in minor units, instants are RFC 3339 in UTC. The header "
            f"`{VERSION_HEADER}` ({', '.join(VERSIONS)}) names the version that is spoken, else the API key's own is; "
            "every answer names it, too."
        ),
        license=License(name="MIT", identifier="MIT"),
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                _SECURITY: SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="rgl_…",
                    description="An API key. Scopes: "
                    + "; ".join(f"`{scope}` {what}" for scope, what in SCOPES.items()),
                ),
                _OAUTH: SecurityScheme(
                    type="oauth2",
                    description="A key is exchanged for an access token, good for an hour: client_id is its id (ak_…), "
                    "client_secret the key.",
                    flows=OAuthFlows(client_credentials=OAuthFlow(token_url=TOKEN_PATH, scopes=dict(SCOPES))),
                ),
            }
        ),
    )


def description_of(app: Litestar) -> bytes:
    """Return the whole description as JSON, made once for an application."""
    if _DESCRIBED not in app.state:
        app.state[_DESCRIBED] = describe(app)
    described: bytes = app.state[_DESCRIBED]
    return described


def describe(app: Litestar) -> bytes:
    """Return the whole description as JSON."""
    read_all(app)
    described: dict[str, Any] = app.openapi_schema.to_schema()
    (_, schemas) = msgspec.json.schema_components(
        [Problem, PublicEvent, *DATA_STRUCTS], ref_template="#/components/schemas/{name}"
    )
    described["components"].setdefault("schemas", {}).update(schemas)
    _mend_items(described["components"]["schemas"])
    described["components"]["responses"] = {
        str(status): {
            "description": reason,
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, reason in _REASONS.items()
    }
    expanded: list[tuple[dict[str, Any], Expandable]] = []
    for path, method, handler in _handlers(app):
        operation = described["paths"].get(path, {}).get(method)
        if operation is not None:
            changes = not is_read(handler)
            if not changes and form_of(handler) is not None:
                operation.setdefault("parameters", []).append(_FIELDS_PARAMETER)
            if (expandable := handler.opt.get(EXPANDS)) is not None:
                operation.setdefault("parameters", []).append(_expand_parameter(expandable))
                expanded.append((operation, expandable))
            _complete(operation, path, method, _scope_of(handler), changes=changes)
            for status in sorted(handler.opt.get(ALSO_REFUSES, ())):
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
            if _takes_any_key(handler):
                operation["security"] = [{_SECURITY: []}, {_OAUTH: []}]
                for status in ("401", "403", "429"):
                    operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}
            if (taken := handler.opt.get(TAKES_BYTES)) is not None:
                content = {taken: {"schema": {"type": "string", "format": "binary"}}}
                operation["requestBody"] = {"content": content, "required": True}
            _name_forms(operation, handler.opt.get(ALSO_ANSWERS, ()))
            _show(operation)
    for operation, expandable in expanded:
        describe_expansions(described, operation, expandable)
    described["webhooks"] = {public.name: {"post": _webhook(public)} for public in PUBLIC_TYPES}
    return msgspec.json.encode(described)


def _expand_parameter(expandable: Expandable) -> dict[str, Any]:
    scopes = [f"`{one.name}` ({one.related.scope})" for one in expandable.expansions]
    return {
        "name": EXPAND,
        "in": "query",
        "required": False,
        "style": "form",
        "explode": False,
        "description": f"What is to be given along, with commas between: {', '.join(scopes)}. Each stands in its place "
        "as its own address answers it, null where there is none; a key needs the scope that it takes there.",
        "schema": {"type": "array", "items": {"type": "string", "enum": [one.name for one in expandable.expansions]}},
    }


def _mend_items(described: Any) -> None:  # noqa: ANN401 - any JSON there is
    """Describe the items of `tuple[X, ...]` as X: Litestar takes the dots for another type, which is anything."""
    parts = described.values() if isinstance(described, dict) else described if isinstance(described, list) else ()
    for part in parts:
        if isinstance(part, dict) and {} in (choices := part.get("oneOf", [])):
            part.pop("oneOf")
            part.update(choices[0])
        _mend_items(part)


def _webhook(public: PublicType) -> dict[str, Any]:
    """Describe an event as it is delivered: a PublicEvent whose data is of its type."""
    narrowed = {
        "type": "object",
        "properties": {
            "type": {"const": public.name},
            "data": {"$ref": f"#/components/schemas/{data_struct(public.name).__name__}"},
        },
    }
    schema = {"allOf": [{"$ref": "#/components/schemas/PublicEvent"}, narrowed]}
    return {
        "summary": public.name,
        "description": first_sentence(public.event),
        "tags": ["events"],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": told, "schema": {"type": "string"}}
            for name, told in _SIGNED_BY.items()
        ],
        "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": schema}}},
        "responses": {
            "2XX": {"description": "Taken. Any other answer, or none within 15 seconds: it comes again."},
            "410": {"description": "Wanted no more: nothing is delivered to this address until somebody enables it."},
        },
    }


def _handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler):
                for method in handler.http_methods:
                    yield route.path_format or "/", method.lower(), handler


def is_read(handler: HTTPRouteHandler) -> bool:
    """Whether a route changes nothing."""
    return not any(method.lower() in _MUTATING for method in handler.http_methods) or bool(handler.opt.get(ONLY_READS))


def _scope_of(handler: HTTPRouteHandler) -> str | None:
    for guard in handler.resolve_guards():
        required = getattr(guard, "func", guard)
        if isinstance(required, Requires):
            return required.scope
    return None


def _takes_any_key(handler: HTTPRouteHandler) -> bool:
    return any(isinstance(getattr(guard, "func", guard), RequiresKey) for guard in handler.resolve_guards())


def _complete(operation: dict[str, Any], path: str, method: str, scope: str | None, *, changes: bool) -> None:
    """Add to one operation its scope, its header and the refusals that it can meet."""
    parameters = operation.setdefault("parameters", [])
    responses = operation["responses"]
    refusals = {500, 503}
    if path.startswith(OF_PROGRAMS):
        refusals |= {400}
    if scope is not None:
        operation["security"] = [{_SECURITY: [scope]}, {_OAUTH: [scope]}]
        refusals |= {401, 403, 429}
    if parameters:
        refusals |= {422}
    if "{" in path:
        refusals |= {404}
    if method in _MUTATING:
        refusals |= {400, 408, 413, 422}
    if changes:
        refusals |= {409}
        parameters.append(_key_parameter(required=method == "post"))
    responses.pop("400", None)  # Litestar's own form, which we never answer
    for status in sorted(refusals):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if not parameters:
        del operation["parameters"]


def _name_forms(operation: dict[str, Any], media: tuple[str, ...]) -> None:
    """Name the other forms in which an operation answers; what no schema describes is none of JSON then."""
    for status, answer in operation["responses"].items():
        if media and status.startswith("2"):
            content = answer["content"]
            answer["content"] = {kind: form for kind, form in content.items() if form.get("schema")}
            answer["content"] |= {kind: {"schema": {"type": "string"}} for kind in media}


@cache
def _worked_examples() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = msgspec.json.decode(_EXAMPLES.read_bytes())
    return found


def _show(operation: dict[str, Any]) -> None:
    """Add to one operation its worked example: a request and its answer."""
    example = _worked_examples().get(operation["operationId"])
    if example is None:
        return
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example["request"]
    answers = operation["responses"].get(str(example["status"]), {}).get("content", {})
    for content in list(answers.values())[:1]:  # of several forms the first is shown
        content["example"] = example["answer"]


def _key_parameter(*, required: bool) -> dict[str, Any]:
    return {
        "name": _KEY_HEADER,
        "in": "header",
        "required": required,
        "description": "Names this request: sent again with the same body, it is not carried out twice. Kept 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "b7f6c1f0-till-7-000123",
    }
