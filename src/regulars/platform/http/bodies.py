"""Bodies of Litestar routes, decoded by the same strict decoder as those of the hot routes.

Litestar's own way converts leniently ("2" becomes 2), which is right for query parameters and wrong for JSON.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar

from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from regulars.platform.http.asked import asked
from regulars.platform.http.reading import json_decoder, read_json

if TYPE_CHECKING:  # private to Litestar, and named only in signatures that are overridden
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.dto._backend import DTOBackend


class StrictBody(AbstractDTO[Any]):
    """Given to the application as its `dto`: decodes the parameter `data` of every handler."""

    _decoders: ClassVar[dict[str, Callable[[bytes], Any]]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: "type[DTOBackend] | None" = None
    ) -> None:
        """Make the decoder of a handler."""
        del backend_cls
        cls._decoders[handler_id] = json_decoder(field_definition.annotation)

    def decode_bytes(self, value: bytes) -> Any:  # noqa: ANN401 - whatever the handler takes
        """Decode a body. Raises the refusals of `read_json`."""
        turn = asked(self.asgi_connection.scope).turn
        if turn is not None:
            value = turn.body(value)
        return read_json(self._decoders[self.asgi_connection.route_handler.handler_id], value)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: "SchemaCreator"
    ) -> Reference | Schema:
        """Describe the body as Litestar would without us."""
        del handler_id
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Leave what handlers return to Litestar."""
        return field_definition.name == "data"

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """Never asked for: nothing is transferred field by field."""
        raise NotImplementedError

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Never asked for, as above."""
        raise NotImplementedError
