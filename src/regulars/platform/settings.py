"""What may be set: typed, each setting described where it is declared. `environment` reads it, once.

Every command imports this module, so it stays cheap: no SQLAlchemy, no psycopg, no web framework.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import platformdirs
from msgspec import Meta

PATIENT_LOCK_TIMEOUT_MS = 5_000

LogLevel = Literal["debug", "info", "warning", "error"]
SmtpSecurity = Literal["starttls", "tls", "none"]
SmsMethod = Literal["post", "put", "get"]


class SettingError(Exception):
    """A variable holds something that cannot be used; the sentence names the variable and the remedy."""

    def __init__(self, variable: str, complaint: str, remedy: str) -> None:
        self.variable = variable
        super().__init__(f"{variable} {complaint}. {remedy}")


Port = Annotated[int, Meta(ge=1, le=65_535)]
PublicUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+$")]
WebAddress = Annotated[str, Meta(pattern=r"^https?://\S+$")]
Sender = Annotated[str, Meta(pattern=r"^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$")]
PathAndValue = Annotated[str, Meta(pattern="^[^=]+=.+$")]


def told(variable: str, description: str, *, kind: str | None = None, **limits: Any) -> Meta:  # noqa: ANN401 -- Meta's own
    """Describe a setting: its variable, what it means, and (`kind`) what its value is, where its type does not say."""
    return Meta(description=description, extra={"variable": variable, "kind": kind}, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting of the program. `environment.load_settings` makes it."""

    home: Annotated[
        Path,
        Meta(
            description="Where the program keeps its data: the embedded PostgreSQL, its log, keys. Made if absent.",
            extra={"variable": "REGULARS_HOME", "default": "the user's data folder"},
        ),
    ] = msgspec.field(default_factory=lambda: platformdirs.user_data_path("regulars"))
    database_url: Annotated[
        str | None,
        Meta(
            description="Your PostgreSQL, 15 or newer; it may be a pgbouncer in transaction mode. Without it, the "
            "program starts an embedded PostgreSQL.",
            extra={"variable": "DATABASE_URL"},
        ),
    ] = None
    database_direct_url: Annotated[
        str | None,
        Meta(
            description="The same PostgreSQL without the pgbouncer, for LISTEN and migrations. Needed only when "
            "`DATABASE_URL` is a pgbouncer.",
            extra={"variable": "DATABASE_DIRECT_URL"},
        ),
    ] = None
    host: Annotated[
        str,
        Meta(description="The address the web process listens on.", extra={"variable": "REGULARS_HOST"}),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=1, le=65_535, description="The port the web process listens on.", extra={"variable": "REGULARS_PORT"}),
    ] = 8790
    pool_size: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="Connections to PostgreSQL that one process keeps. The embedded server allows 60 in all.",
            extra={"variable": "REGULARS_POOL_SIZE"},
        ),
    ] = 10
    traces_url: Annotated[
        WebAddress | None,
        told(
            "REGULARS_TRACES_URL",
            "Where a collector takes traces by OTLP over HTTP, e.g. `http://127.0.0.1:4318/v1/traces`. Without it "
            "nothing is traced. Needs `regulars[traces]`.",
            kind="web address",
        ),
    ] = None
    traces_share: Annotated[
        int,
        told(
            "REGULARS_TRACES_SHARE",
            "How many of a hundred new traces are kept; a caller's `traceparent` decides for its own.",
            ge=1,
            le=100,
        ),
    ] = 100
    worker_metrics_port: Annotated[
        Port | None,
        told(
            "REGULARS_WORKER_METRICS_PORT",
            "At which port a worker tells its metrics. Without it, it tells none; the web process's are at `/metrics`.",
            kind="whole number, 1 to 65535",
        ),
    ] = None
    worker_metrics_host: Annotated[
        str,
        told("REGULARS_WORKER_METRICS_HOST", "The address at which it does. Nobody is asked for a key there."),
    ] = "127.0.0.1"
    keep_events_days: Annotated[
        int,
        told(
            "REGULARS_KEEP_EVENTS_DAYS",
            "For how many days events are kept that every reader has passed, 90 at least; 0 for ever. The events feed "
            "tells them for as long.",
            ge=0,
            le=36_500,
        ),
    ] = 400
    keep_deliveries_days: Annotated[
        int,
        told(
            "REGULARS_KEEP_DELIVERIES_DAYS",
            "For how many days the log of webhooks keeps deliveries that ended.",
            ge=1,
            le=3_650,
        ),
    ] = 30
    keep_failed_jobs_days: Annotated[
        int,
        told(
            "REGULARS_KEEP_FAILED_JOBS_DAYS",
            "For how many days jobs that failed for good wait for a person.",
            ge=1,
            le=3_650,
        ),
    ] = 90
    drain_seconds: Annotated[
        int,
        told(
            "REGULARS_DRAIN_SECONDS",
            "For how many seconds a web process that was told to end goes on answering while `/ready` says 503, so "
            "that a balancer in front takes note.",
            ge=0,
            le=300,
        ),
    ] = 0
    stop_seconds: Annotated[
        int,
        told(
            "REGULARS_STOP_SECONDS",
            "For how many seconds requests and jobs that are under way may then take to end; jobs that do not are "
            "handed back.",
            ge=1,
            le=600,
        ),
    ] = 20
    batch_size: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Requests that one group commit gathers at most.",
            extra={"variable": "REGULARS_BATCH_SIZE"},
        ),
    ] = 100
    log_level: Annotated[
        LogLevel,
        Meta(description="The least serious message that is logged.", extra={"variable": "REGULARS_LOG_LEVEL"}),
    ] = "info"
    prepared_statements: Annotated[
        bool,
        Meta(
            description="Whether statements are prepared once per connection. Say `false` behind a pgbouncer older "
            "than 1.21.",
            extra={"variable": "REGULARS_PREPARED_STATEMENTS"},
        ),
    ] = True
    body_limit_bytes: Annotated[
        int,
        Meta(
            ge=1_000,
            le=1_000_000_000,
            description="The largest request body that is read, in bytes.",
            extra={"variable": "REGULARS_BODY_LIMIT_BYTES"},
        ),
    ] = 1_000_000
    lock_timeout_ms: Annotated[
        int,
        Meta(
            ge=1,
            le=600_000,
            description="How long a request waits for a lock, e.g. on its member, before it gives up, in "
            "milliseconds. Work that nobody waits for (jobs, replays, migrations) waits at least 5000.",
            extra={"variable": "REGULARS_LOCK_TIMEOUT_MS"},
        ),
    ] = 1_000
    requests_per_second: Annotated[
        int,
        told(
            "REGULARS_REQUESTS_PER_SECOND",
            "How many requests a second an API key may send to one web process, ten seconds' worth at once, unless the "
            "key has a limit of its own; 0 for no limit.",
            ge=0,
            le=1_000_000,
        ),
    ] = 1_000
    backup_folder: Annotated[
        Path | None,
        told(
            "REGULARS_BACKUP_FOLDER",
            "Where the worker keeps backups of the embedded PostgreSQL, from which any instant can be restored: on "
            "another disk than the data's. Without it there are none; see backup.md.",
            kind="folder",
        ),
    ] = None
    backup_hours: Annotated[
        int,
        told("REGULARS_BACKUP_HOURS", "After how many hours the database is copied whole again.", ge=1, le=168),
    ] = 24
    backup_days: Annotated[
        int,
        told(
            "REGULARS_BACKUP_DAYS",
            "For how many days back any instant can be restored; what is older is removed.",
            ge=1,
            le=3_650,
        ),
    ] = 7
    development: Annotated[
        bool,
        told(
            "REGULARS_DEVELOPMENT",
            "Development mode: messages that no channel is set up for go to the page `/outbox` instead, codes "
            "included, and the gallery of the pages' pieces is shown. Never say `true` where real members are.",
        ),
    ] = False
    public_url: Annotated[
        PublicUrl | None,
        told(
            "REGULARS_PUBLIC_URL",
            "The address under which members and staff reach this deployment; messages link to it, and consents are "
            "confirmed there. In development mode: where it answers on this machine.",
            kind="web address",
        ),
    ] = None
    brand_name: Annotated[
        str,
        told("REGULARS_BRAND_NAME", "The brand's name, as pages and messages show it.", min_length=1, max_length=60),
    ] = "Regulars"
    brand_color: Annotated[
        str,
        told(
            "REGULARS_BRAND_COLOR",
            "The brand's one accent colour.",
            kind="colour, e.g. #1f6f54",
            pattern="^#[0-9a-fA-F]{6}$",
        ),
    ] = "#1f6f54"
    brand_logo: Annotated[
        Path | None,
        told("REGULARS_BRAND_LOGO", "The brand's logo: a PNG or SVG file, wider than high.", kind="file"),
    ] = None
    brand_radius_px: Annotated[
        int, told("REGULARS_BRAND_RADIUS_PX", "How round corners are, in pixels; 0 is square.", ge=0, le=16)
    ] = 6
    mail_sender: Annotated[
        Sender | None,
        told(
            "REGULARS_MAIL_SENDER",
            "From whom e-mails come: an address, or `Name <address>`. Needed to send any.",
            kind="e-mail address",
        ),
    ] = None
    smtp_host: Annotated[
        str | None,
        told("REGULARS_SMTP_HOST", "The server that takes our e-mails. Without it none are sent.", kind="host name"),
    ] = None
    smtp_port: Annotated[
        int, told("REGULARS_SMTP_PORT", "Its port: 587 for `starttls`, 465 for `tls`.", ge=1, le=65_535)
    ] = 587
    smtp_security: Annotated[
        SmtpSecurity,
        told(
            "REGULARS_SMTP_SECURITY",
            "How the connection is encrypted; `none` only for a server on this machine.",
        ),
    ] = "starttls"
    smtp_ca_file: Annotated[
        Path | None,
        told(
            "REGULARS_SMTP_CA_FILE",
            "Whose certificates of the mail server are trusted (PEM), instead of the machine's own list.",
            kind="file",
        ),
    ] = None
    smtp_user: Annotated[
        str | None, told("REGULARS_SMTP_USER", "Who signs in there. Without it nobody does.", kind="text")
    ] = None
    smtp_password: Annotated[str | None, told("REGULARS_SMTP_PASSWORD", "With which password.", kind="text")] = None
    sms_url: Annotated[
        WebAddress | None,
        told(
            "REGULARS_SMS_URL",
            "Where the SMS gateway takes messages. Without it none are sent; see messages.md.",
            kind="web address",
        ),
    ] = None
    sms_method: Annotated[SmsMethod, told("REGULARS_SMS_METHOD", "The method of its requests.")] = "post"
    sms_headers: Annotated[
        str,
        told(
            "REGULARS_SMS_HEADERS",
            "Headers of its requests, e.g. its key; `{to}` and `{id}` are filled in.",
            kind="JSON object of texts",
        ),
    ] = "{}"
    sms_body: Annotated[
        str,
        told(
            "REGULARS_SMS_BODY",
            "The body of its requests: `{to}`, `{text}` and `{id}` inside texts are filled in. With `get` it becomes "
            "the query.",
            kind="JSON object",
        ),
    ] = '{"to": "{to}", "text": "{text}"}'
    sms_success: Annotated[
        PathAndValue | None,
        told(
            "REGULARS_SMS_SUCCESS",
            "What a success says beside a status of 200 to 299: a member of the JSON answer and its value, e.g. "
            "`code=0` or `result.status=ok`.",
            kind="path=value",
        ),
    ] = None
    sms_countries: Annotated[
        str,
        told(
            "REGULARS_SMS_COUNTRIES",
            "Countries to whose numbers SMS are sent. Without it, those of the markets.",
            kind="ISO codes, e.g. CN, HK",
            pattern=r"^[A-Za-z]{2}( *, *[A-Za-z]{2})*$|^$",
        ),
    ] = ""
    codes_per_hour: Annotated[
        int,
        told(
            "REGULARS_CODES_PER_HOUR",
            "How many sign-in codes are sent in an hour at most, by SMS and as many by e-mail, whoever asks.",
            ge=1,
            le=10_000_000,
        ),
    ] = 1_000
    codes_per_day: Annotated[
        int,
        told("REGULARS_CODES_PER_DAY", "How many in 24 hours.", ge=1, le=100_000_000),
    ] = 5_000
    expiry_notice_days: Annotated[
        str,
        told(
            "REGULARS_EXPIRY_NOTICE_DAYS",
            "How many days before points expire their member is told, at up to five times; 0 tells nobody.",
            kind="days, 1 to 90, e.g. 30, 7",
            pattern=r"^0$|^([1-9]|[1-8][0-9]|90)( *, *([1-9]|[1-8][0-9]|90)){0,4}$",
        ),
    ] = "30, 7"

    webhook_networks: Annotated[
        str,
        told(
            "REGULARS_WEBHOOK_NETWORKS",
            "Networks to which webhooks are delivered although they are private, and by http as well: addresses or "
            "networks, with commas between. Without it, to public addresses by https alone.",
            kind="addresses, e.g. 127.0.0.1, 10.2.0.0/16",
            pattern=r"^[0-9a-fA-F.:/, ]*$",
        ),
    ] = ""
    double_opt_in: Annotated[
        str,
        told(
            "REGULARS_DOUBLE_OPT_IN",
            "Purposes for which consent by e-mail counts only once it is confirmed by a letter's link: of `service`, "
            "`marketing` and `research`, with commas between. Set it to `none` for none.",
            kind="purposes, e.g. marketing, research",
            pattern=r"^(none|(service|marketing|research)( *, *(service|marketing|research))*)$",
        ),
    ] = "marketing"
    erasure_wait_hours: Annotated[
        int,
        told(
            "REGULARS_ERASURE_WAIT_HOURS",
            "For how many hours an erasure of a member can be withdrawn before it is carried out; 0 erases at once.",
            ge=0,
            le=720,
        ),
    ] = 72
    household_limit: Annotated[
        int,
        told("REGULARS_HOUSEHOLD_LIMIT", "How many members may live in one household.", ge=2, le=50),
    ] = 8
    trusted_proxies: Annotated[
        str,
        told(
            "REGULARS_TRUSTED_PROXIES",
            "Proxies in front of the web process whose `X-Forwarded-For` is believed: addresses or networks, with "
            "commas between. Without it, everybody behind a proxy counts as one place where sign-ins are limited.",
            kind="addresses, e.g. 127.0.0.1, 10.0.0.0/8",
            pattern=r"^[0-9a-fA-F.:/, ]*$",
        ),
    ] = ""
    till_needs_person: Annotated[
        bool,
        told(
            "REGULARS_TILL_NEEDS_PERSON",
            "Whether a till works only while somebody of staff who may work at tills is signed in at it.",
        ),
    ] = False
    till_return_days: Annotated[
        int,
        told(
            "REGULARS_TILL_RETURN_DAYS",
            "For how many days after a purchase a till takes it back without a store manager signed in at it.",
            ge=0,
            le=3_650,
        ),
    ] = 30
    till_return_minor: Annotated[
        int,
        told(
            "REGULARS_TILL_RETURN_MINOR",
            "Up to which value of one purchase, in minor units of the market's currency, a till takes back without a "
            "store manager signed in at it; 0 means any.",
            ge=0,
            le=1_000_000_000_000,
        ),
    ] = 0
    staff_idle_minutes: Annotated[
        int,
        told("REGULARS_STAFF_IDLE_MINUTES", "After how many unused minutes staff sign in again.", ge=1, le=1_440),
    ] = 30
    staff_session_hours: Annotated[
        int,
        told("REGULARS_STAFF_SESSION_HOURS", "After how many hours staff sign in again at the latest.", ge=1, le=168),
    ] = 12
    member_session_days: Annotated[
        int,
        told(
            "REGULARS_MEMBER_SESSION_DAYS",
            "For how many unused days a member's device stays signed in, when the member wants it to.",
            ge=1,
            le=365,
        ),
    ] = 90
    oidc_issuer: Annotated[
        WebAddress | None,
        told(
            "REGULARS_OIDC_ISSUER",
            "Your identity provider, for staff: its issuer, where `/.well-known/openid-configuration` is found.",
            kind="web address",
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None, told("REGULARS_OIDC_CLIENT_ID", "What the identity provider calls this deployment.", kind="text")
    ] = None
    oidc_client_secret: Annotated[
        str | None, told("REGULARS_OIDC_CLIENT_SECRET", "The secret agreed with the identity provider.", kind="text")
    ] = None

    @property
    def notice_steps(self) -> tuple[int, ...]:
        """Days before points expire on which members are told, the longest first; none where nobody is told."""
        return tuple(sorted({int(days) for days in self.expiry_notice_days.split(",")} - {0}, reverse=True))

    @property
    def notice_days(self) -> int:
        """Within how many days points run out soon; 0 where nobody is told."""
        return max(self.notice_steps, default=0)

    @property
    def patient_lock_timeout_ms(self) -> int:
        """How long work waits for a lock that no caller waits for, in milliseconds."""
        return max(self.lock_timeout_ms, PATIENT_LOCK_TIMEOUT_MS)
