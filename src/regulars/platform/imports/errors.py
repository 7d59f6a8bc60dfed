"""Refusals about imports: of the file, and of its rows."""

from regulars.platform.errors import Conflict, InvalidInput


class ImportKindUnknown(InvalidInput):
    """There are no imports of this kind."""

    code = "import_kind_unknown"
    message = "Rows of the kind {kind} cannot be imported. Choose one of: {kinds}."


class ParquetMissing(InvalidInput):
    """The library that reads Parquet is not installed."""

    code = "parquet_missing"
    message = "This deployment reads no Parquet files. Install it with the extra: regulars[parquet]. Or send CSV."


class FieldNotImported(InvalidInput):
    """The mapping names a field that rows of this kind do not have."""

    code = "field_not_imported"
    message = "Rows of this kind have no field {field}. Choose one of: {fields}."


class ImportStarted(Conflict):
    """What was started takes no more of its file."""

    code = "import_started"
    status = 409
    message = "This import was started already. Begin another one for another file."


class ImportIncomplete(Conflict):
    """A piece of the file is missing."""

    code = "import_incomplete"
    status = 409
    message = "Part {part} of the file has not arrived. Send it, then start the import again."


class FormatUnknown(InvalidInput):
    """The name of a file does not tell its format."""

    code = "format_unknown"
    message = "What is in this file? Its name should end in {endings}."


class FileTooLarge(InvalidInput):
    """A file is larger than a browser may send."""

    code = "file_too_large"
    status = 413
    message = "A file of {limit_bytes} bytes is the most that is taken here. Cut it, or import it by the command line."


class MappingUnreadable(InvalidInput):
    """What should be a mapping is none."""

    code = "mapping_unreadable"
    message = "This is no mapping: {why}. A mapping is a TOML or JSON file of columns, constants, dates and forms."


class PartTooLarge(InvalidInput):
    """A piece of a file is larger than pieces may be."""

    code = "part_too_large"
    status = 413
    message = "A part of a file may have {limit_bytes} bytes. Cut the file into parts of that size, wherever you like."


class ImportExpired(Conflict):
    """The file is not there any more."""

    code = "import_expired"
    status = 409
    message = "The file of this import is not kept any more. Send it again as a new import: what is there stays once."


class ColumnMissing(InvalidInput):
    """A column of the mapping is not in the file."""

    code = "column_missing"
    message = "The file has no column {column}. Correct the mapping, or the first line of the file."


class ColumnTwice(InvalidInput):
    """Two columns have the same name.

    They are named by their numbers: where the first line is missing, what stands there is somebody's data.
    """

    code = "column_twice"
    message = "Columns {first} and {second} of the file have the same name. Give each its own in the first line."


class ColumnUnknown(InvalidInput):
    """A column has no field, and there is no mapping that leaves it out.

    It is named by its number: where the first line is missing, what stands there is somebody's data.
    """

    code = "column_unknown"
    message = "Column {number} has no field. See that the first line names the columns, or name them in the mapping."


class FileEmpty(InvalidInput):
    """There is nothing in the file, not even names of columns."""

    code = "file_empty"
    message = "There is nothing in this file. A CSV file begins with the names of its columns."


class FileUnreadable(InvalidInput):
    """The file is not of the format that it should be."""

    code = "file_unreadable"
    message = "This is no file of the format {format}, or it is broken. Check the format, or send the file again."


class RowGroupTooLarge(InvalidInput):
    """A group of rows of a Parquet file is larger, unpacked, than is read into memory."""

    code = "row_group_too_large"
    message = (
        "A group of rows of the file holds more than {limit_bytes} bytes unpacked. Write the file with smaller groups "
        "of rows, and send it again."
    )


class NotUtf8(InvalidInput):
    """Bytes of a line are no UTF-8."""

    code = "line_not_utf8"
    message = "Line {line} is not in UTF-8. Save the file in UTF-8 and send it again."


class RowUnreadable(InvalidInput):
    """A row is not written as its format asks."""

    code = "row_unreadable"
    message = "This row cannot be read: a quotation mark is missing, or what stands there is not of this format."


class RowTooLong(InvalidInput):
    """A row is longer than rows may be."""

    code = "row_too_long"
    message = "This row is longer than {limit_bytes} bytes. Look for a quotation mark or a line end that is missing."


class CellTooLong(InvalidInput):
    """A cell of a CSV file is longer than cells may be: often a quotation mark is missing, and the rest is one cell."""

    code = "cell_too_long"
    message = (
        "A cell of this row has more than {limit_characters} characters. Look for a quotation mark that is missing; or "
        "shorten the cell, or send the file as JSON Lines."
    )


class ColumnsDiffer(InvalidInput):
    """A row has more or fewer columns than the first line names."""

    code = "columns_differ"
    message = "This row has {columns} columns and the first line names {expected}. Look for a mark too many or missing."


class ValueUnreadable(InvalidInput):
    """A value has not the form that its field asks for."""

    code = "value_unreadable"
    message = "The value for {field} is not of the form {form}. Correct it, or say in the mapping how it is written."


class ZoneMissing(InvalidInput):
    """An instant does not say in which zone it was."""

    code = "zone_missing"
    message = "The instant for {field} has no time zone. Say in the mapping where it was, as time_zone."


class NothingImported(InvalidInput):
    """All or nothing was asked for, and a row was refused."""

    code = "nothing_imported"
    message = (
        "Nothing was imported, as asked, since rows were refused: {refused}. Correct them and send the file again."
    )


class TooManyForAll(InvalidInput):
    """Too many rows for one transaction."""

    code = "too_many_for_all"
    message = "All or nothing takes at most {limit} rows. Cut the file, or let the rows that are right be imported."


class TooManyRefused(InvalidInput):
    """So many rows were refused that something else is wrong."""

    code = "too_many_refused"
    message = "More than {limit} rows were refused, so the import stopped. Correct the file or the mapping first."


class MemberNotFound(InvalidInput):
    """A row names a member whom nobody knows."""

    code = "member_not_found"
    message = "No member is found by what this row says. Import the members first, or correct the row."


class MemberNotNamed(InvalidInput):
    """A row does not say whose it is."""

    code = "member_not_named"
    message = "This row names no member: neither an id nor a number, address or card. Map a column that does."
