"""Refusals about exports."""

from regulars.platform.errors import Conflict, Gone, InvalidInput


class ExportKindUnknown(InvalidInput):
    """There are no exports of this kind."""

    code = "export_kind_unknown"
    message = "Rows of the kind {kind} cannot be exported. Choose one of: {kinds}."


class ColumnNotExported(InvalidInput):
    """Rows of this kind do not have the column."""

    code = "column_not_exported"
    message = "Rows of this kind have no column {column}. Choose among: {columns}."


class ColumnAskedTwice(InvalidInput):
    """A column is asked for twice."""

    code = "column_asked_twice"
    message = "The column {column} is asked for twice. Name each column once."


class NotChosenByTime(InvalidInput):
    """Rows of this kind have no instant of their own."""

    code = "not_chosen_by_time"
    message = "Rows of this kind are as they stand now: leave “since” and “until” out."


class NotChosenByMarket(InvalidInput):
    """Rows of this kind belong to no market."""

    code = "not_chosen_by_market"
    message = "Rows of this kind belong to no market: leave the market out."


class NotChosenBy(InvalidInput):
    """Rows of this kind have no store, no channel or no wallet of their own."""

    code = "not_chosen_by"
    message = "Rows of this kind cannot be chosen by {field}: leave it out."


class TimesTurned(InvalidInput):
    """An export is to end before it begins."""

    code = "times_turned"
    message = "The end must lie behind the beginning. Correct “since” or “until”."


class TooManyExports(Conflict):
    """So many exports are under way that another one has to wait."""

    code = "too_many_exports"
    status = 409
    message = "There are {limit} exports under way. Wait until one of them has ended, or stop one."


class ExportUnderWay(Conflict):
    """The file is not there yet."""

    code = "export_under_way"
    status = 409
    message = "This export has not ended well, so there is no file. See at its job how it stands."


class ExportExpired(Gone):
    """The file is not there any more."""

    code = "export_expired"
    status = 410
    message = "The file of this export is not kept any more. Begin the export again."


class ExportInterrupted(Conflict):
    """An export began anew too often, since what it read from was lost each time."""

    code = "export_interrupted"
    status = 409
    message = "This export was interrupted {times} times. Begin it again when the service is at rest."


class ParquetNotWritten(InvalidInput):
    """The library that writes Parquet is not installed."""

    code = "parquet_not_written"
    message = "This deployment writes no Parquet files. Install it with the extra: regulars[parquet]. Or take CSV."
