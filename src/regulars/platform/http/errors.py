"""Refusals of requests whose body or parameters are not what the API reference describes.

`field` is written as in JavaScript (`lines[1].quantity`), `expected` and `received` are JSON's own names of types.
"""

from regulars.platform.errors import DomainError, InvalidInput


class BodyMissing(InvalidInput):
    """The operation takes a body and none came."""

    code = "body_missing"
    status = 400
    message = "The request has no body. Send the JSON that the API reference describes."


class InvalidUtf8(InvalidInput):
    """The body is not text in UTF-8."""

    code = "invalid_utf8"
    status = 400
    message = "The body is not valid UTF-8. Send it in that encoding."


class MalformedJson(InvalidInput):
    """The body is not JSON; `byte` counts from 0 and is the length of a body that ends too early."""

    code = "malformed_json"
    status = 400
    message = "The body is not well-formed JSON: something is wrong at byte {byte}. Correct it and send it again."


class NulInText(InvalidInput):
    """A text holds the character NUL, which the database does not keep."""

    code = "nul_in_text"
    status = 400
    message = "A text in the request holds the character NUL (\\u0000, %00). Leave it out."


class NestedTooDeeply(InvalidInput):
    """Lists within lists, without an end in sight."""

    code = "nested_too_deeply"
    status = 400
    message = "The body is nested too deeply. Send it as the API reference describes it."


class FieldMissing(InvalidInput):
    """A field without which the request means nothing."""

    code = "field_missing"
    message = "The field {field} is missing. Add it and send the request again."


class FieldUnknown(InvalidInput):
    """A field that this operation does not know: misspelt, or of another version; `known` are those that it knows.

    The likeliest come first, a dozen at most.
    """

    code = "field_unknown"
    message = "There is no field {field} here. Those that there are, the likeliest first: {known}."


class VersionUnknown(InvalidInput):
    """A version of the API is asked for that this release does not speak."""

    code = "version_unknown"
    status = 400
    message = (
        "This release does not speak version {version} of the API. It speaks: {versions}. Name one of these in the "
        "header Regulars-Version, or leave it out."
    )


class KeyVersionUnknown(InvalidInput):
    """The API key is pinned to a version of the API that this release does not speak."""

    code = "key_version_unknown"
    status = 400
    message = (
        "This API key is pinned to version {version} of the API, which this release does not speak. It speaks: "
        "{versions}. Name one of these in the header Regulars-Version, or have the key pinned to one of them."
    )


class AnswerFieldUnknown(InvalidInput):
    """A field is asked for that the answer does not have; `place` is where in it, `known` what stands there."""

    code = "answer_field_unknown"
    message = (
        "There is no field {field} in the answer. In {place} there are: {known}. Choose from these; what stands "
        "within another is written with a dot between (`lines.sku`)."
    )


class TooManyFields(InvalidInput):
    """More fields are asked for one by one than it is worth."""

    code = "too_many_fields"
    message = "Ask for at most {most} fields, or leave `fields` out for all of them."


class ExpansionUnknown(InvalidInput):
    """Something is to be given along with the answer that this operation does not give; `known` is what it does."""

    code = "expansion_unknown"
    message = (
        "There is no {name} to be given along here. `expand` takes: {known}. Choose from these, with commas between, "
        "or ask for the other by its own address."
    )


class ExpansionNotAllowed(DomainError):
    """The key may read the answer, and not what is to be given along with it."""

    code = "expansion_not_allowed"
    status = 403
    message = (
        "This API key may not read {name}, which `expand` asks for: that needs the scope {scope}. Leave it out of "
        "`expand`, or use a key with that scope."
    )


class WrongType(InvalidInput):
    """A value of another JSON type than the field takes."""

    code = "wrong_type"
    message = "The field {field} takes {expected}, not {received}. Correct it and send the request again."


class OutOfRange(InvalidInput):
    """A number beyond the field's limits."""

    code = "out_of_range"
    message = "The number in {field} must be {limit}. Correct it and send the request again."


class WrongLength(InvalidInput):
    """A text or a list that is too short or too long."""

    code = "wrong_length"
    message = "The length of {field} must be {limit}. Correct it and send the request again."


class WrongForm(InvalidInput):
    """A text that is not written the way the field takes it."""

    code = "wrong_form"
    message = "The field {field} must be written like {example}. Correct it and send the request again."


class WrongPattern(InvalidInput):
    """A text that does not match the field's pattern."""

    code = "wrong_pattern"
    message = "The field {field} must match the pattern {pattern}. Correct it and send the request again."


class NotAChoice(InvalidInput):
    """A value that is not one of the field's choices."""

    code = "not_a_choice"
    message = "The field {field} does not take the value {value}. It takes: {choices}."


class ValueNotTaken(InvalidInput):
    """A value that the field does not take, for a reason of its own."""

    code = "value_not_taken"
    message = "The field {field} does not take this value. The API reference says what it takes."


class PurposeMissing(InvalidInput):
    """Personal data is asked for without saying why."""

    code = "purpose_missing"
    status = 400
    message = (
        "Say why you read personal data, in {shortest} to {longest} characters, in the header {header}. "
        "It is kept in the audit log, with who read whom."
    )
