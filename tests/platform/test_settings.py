"""Settings are read once, typed, and each is documented."""

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from regulars.platform.environment import describe_settings, load_settings
from regulars.platform.settings import SettingError, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [f"| `{s.variable}` | {s.type} | {s.default} | {s.meaning} |" for s in describe_settings()]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({}) == Settings(
        home=platformdirs.user_data_path("regulars"),
        database_url=None,
        database_direct_url=None,
        host="127.0.0.1",
        port=8790,
        pool_size=10,
        traces_url=None,
        traces_share=100,
        worker_metrics_port=None,
        worker_metrics_host="127.0.0.1",
        keep_events_days=400,
        keep_deliveries_days=30,
        keep_failed_jobs_days=90,
        drain_seconds=0,
        stop_seconds=20,
        batch_size=100,
        log_level="info",
        prepared_statements=True,
        body_limit_bytes=1_000_000,
        lock_timeout_ms=1_000,
        requests_per_second=1_000,
        development=False,
        public_url=None,
        brand_name="Regulars",
        brand_color="#1f6f54",
        brand_logo=None,
        brand_radius_px=6,
        mail_sender=None,
        smtp_host=None,
        smtp_port=587,
        smtp_security="starttls",
        smtp_ca_file=None,
        smtp_user=None,
        smtp_password=None,
        sms_url=None,
        sms_method="post",
        sms_headers="{}",
        sms_body='{"to": "{to}", "text": "{text}"}',
        sms_success=None,
        expiry_notice_days="30, 7",
        trusted_proxies="",
        staff_idle_minutes=30,
        staff_session_hours=12,
        member_session_days=90,
        oidc_issuer=None,
        oidc_client_id=None,
        oidc_client_secret=None,
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({setting.variable: " " for setting in describe_settings()}) == load_settings({})


EVERYTHING = {
    "REGULARS_HOME": "/srv/regulars",
    "DATABASE_URL": "postgresql://shop@pgbouncer/shop",
    "DATABASE_DIRECT_URL": "postgres://shop@database/shop",
    "REGULARS_HOST": "0.0.0.0",  # noqa: S104 -- a value to read back, nothing listens
    "REGULARS_PORT": "80",
    "REGULARS_POOL_SIZE": "3",
    "REGULARS_TRACES_URL": "http://127.0.0.1:4318/v1/traces",
    "REGULARS_TRACES_SHARE": "5",
    "REGULARS_WORKER_METRICS_PORT": "9791",
    "REGULARS_WORKER_METRICS_HOST": "10.2.0.4",
    "REGULARS_KEEP_EVENTS_DAYS": "0",
    "REGULARS_KEEP_DELIVERIES_DAYS": "14",
    "REGULARS_KEEP_FAILED_JOBS_DAYS": "7",
    "REGULARS_DRAIN_SECONDS": "5",
    "REGULARS_STOP_SECONDS": "30",
    "REGULARS_BATCH_SIZE": "1",
    "REGULARS_LOG_LEVEL": "WARNING",
    "REGULARS_PREPARED_STATEMENTS": "False",
    "REGULARS_BODY_LIMIT_BYTES": "2000000",
    "REGULARS_LOCK_TIMEOUT_MS": "250",
    "REGULARS_REQUESTS_PER_SECOND": "50",
    "REGULARS_BACKUP_FOLDER": "/mnt/backups",
    "REGULARS_BACKUP_HOURS": "12",
    "REGULARS_BACKUP_DAYS": "30",
    "REGULARS_DEVELOPMENT": "True",
    "REGULARS_PUBLIC_URL": "https://club.beichen.example",
    "REGULARS_BRAND_NAME": "北辰",
    "REGULARS_BRAND_COLOR": "#AA3300",
    "REGULARS_BRAND_LOGO": "/srv/logo.png",
    "REGULARS_BRAND_RADIUS_PX": "0",
    "REGULARS_MAIL_SENDER": "北辰 <hello@beichen.example>",
    "REGULARS_SMTP_HOST": "mail.beichen.example",
    "REGULARS_SMTP_PORT": "465",
    "REGULARS_SMTP_SECURITY": "TLS",
    "REGULARS_SMTP_CA_FILE": "/etc/beichen/mail-ca.pem",
    "REGULARS_SMTP_USER": "beichen",
    "REGULARS_SMTP_PASSWORD": "open sesame",
    "REGULARS_SMS_URL": "https://sms.example/send?v=2",
    "REGULARS_SMS_METHOD": "PUT",
    "REGULARS_SMS_HEADERS": '{"X-Key": "1"}',
    "REGULARS_SMS_BODY": '{"phone": "{to}"}',
    "REGULARS_SMS_SUCCESS": "code=0",
    "REGULARS_SMS_COUNTRIES": "CN, HK",
    "REGULARS_CODES_PER_HOUR": "7",
    "REGULARS_CODES_PER_DAY": "70",
    "REGULARS_EXPIRY_NOTICE_DAYS": "0",
    "REGULARS_WEBHOOK_NETWORKS": "127.0.0.0/8, 10.2.0.0/16",
    "REGULARS_DOUBLE_OPT_IN": "marketing, research",
    "REGULARS_ERASURE_WAIT_HOURS": "24",
    "REGULARS_HOUSEHOLD_LIMIT": "6",
    "REGULARS_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
    "REGULARS_STAFF_IDLE_MINUTES": "15",
    "REGULARS_STAFF_SESSION_HOURS": "8",
    "REGULARS_MEMBER_SESSION_DAYS": "30",
    "REGULARS_OIDC_ISSUER": "https://id.example",
    "REGULARS_OIDC_CLIENT_ID": "regulars",
    "REGULARS_OIDC_CLIENT_SECRET": "agreed",
    "REGULARS_TILL_NEEDS_PERSON": "true",
    "REGULARS_TILL_RETURN_DAYS": "14",
    "REGULARS_TILL_RETURN_MINOR": "50000",
}


def test_every_variable_is_read() -> None:
    settings = load_settings(EVERYTHING)
    assert set(EVERYTHING) == {setting.variable for setting in describe_settings()}
    assert settings == Settings(
        home=Path("/srv/regulars"),
        database_url="postgresql://shop@pgbouncer/shop",
        database_direct_url="postgres://shop@database/shop",
        host="0.0.0.0",  # noqa: S104 -- as above
        port=80,
        pool_size=3,
        traces_url="http://127.0.0.1:4318/v1/traces",
        traces_share=5,
        worker_metrics_port=9791,
        worker_metrics_host="10.2.0.4",
        keep_events_days=0,
        keep_deliveries_days=14,
        keep_failed_jobs_days=7,
        drain_seconds=5,
        stop_seconds=30,
        batch_size=1,
        log_level="warning",
        prepared_statements=False,
        body_limit_bytes=2_000_000,
        lock_timeout_ms=250,
        requests_per_second=50,
        backup_folder=Path("/mnt/backups"),
        backup_hours=12,
        backup_days=30,
        development=True,
        public_url="https://club.beichen.example",
        brand_name="北辰",
        brand_color="#AA3300",
        brand_logo=Path("/srv/logo.png"),
        brand_radius_px=0,
        mail_sender="北辰 <hello@beichen.example>",
        smtp_host="mail.beichen.example",
        smtp_port=465,
        smtp_security="tls",
        smtp_ca_file=Path("/etc/beichen/mail-ca.pem"),
        smtp_user="beichen",
        smtp_password="open sesame",
        sms_url="https://sms.example/send?v=2",
        sms_method="put",
        sms_headers='{"X-Key": "1"}',
        sms_body='{"phone": "{to}"}',
        sms_success="code=0",
        sms_countries="CN, HK",
        codes_per_hour=7,
        codes_per_day=70,
        expiry_notice_days="0",
        webhook_networks="127.0.0.0/8, 10.2.0.0/16",
        double_opt_in="marketing, research",
        erasure_wait_hours=24,
        household_limit=6,
        trusted_proxies="127.0.0.1, 10.0.0.0/8",
        staff_idle_minutes=15,
        staff_session_hours=8,
        member_session_days=30,
        till_needs_person=True,
        till_return_days=14,
        till_return_minor=50_000,
        oidc_issuer="https://id.example",
        oidc_client_id="regulars",
        oidc_client_secret="agreed",
    )


def test_work_that_nobody_waits_for_waits_longer_for_a_lock() -> None:
    patient = [
        load_settings({"REGULARS_LOCK_TIMEOUT_MS": text}).patient_lock_timeout_ms for text in ("", "250", "9000")
    ]
    assert patient == [5_000, 5_000, 9_000]


def test_the_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/mei")
    assert load_settings({"REGULARS_HOME": "data"}).home == tmp_path / "data"
    assert load_settings({"REGULARS_HOME": "~/shop"}).home == Path("/home/mei/shop")


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        (
            "REGULARS_PORT",
            "web",
            "REGULARS_PORT is 'web', which cannot be used. Give it a value of this kind: whole number, 1 to 65535.",
        ),
        (
            "REGULARS_PORT",
            "0",
            "REGULARS_PORT is '0', which cannot be used. Give it a value of this kind: whole number, 1 to 65535.",
        ),
        (
            "REGULARS_LOG_LEVEL",
            "loud",
            (
                "REGULARS_LOG_LEVEL is 'loud', which cannot be used. "
                "Give it a value of this kind: debug, info, warning or error."
            ),
        ),
        (
            "REGULARS_PREPARED_STATEMENTS",
            "perhaps",
            (
                "REGULARS_PREPARED_STATEMENTS is 'perhaps', which cannot be used. "
                "Give it a value of this kind: true or false."
            ),
        ),
        (
            "REGULARS_BRAND_COLOR",
            "green",
            (
                "REGULARS_BRAND_COLOR is 'green', which cannot be used. "
                "Give it a value of this kind: colour, e.g. #1f6f54."
            ),
        ),
        (
            "REGULARS_MAIL_SENDER",
            "Beichen",
            "REGULARS_MAIL_SENDER is 'Beichen', which cannot be used. Give it a value of this kind: e-mail address.",
        ),
        (
            "DATABASE_DIRECT_URL",
            "postgresql://shop@database/shop",
            (
                "DATABASE_DIRECT_URL is set, but DATABASE_URL is not. "
                "Set DATABASE_URL too, or unset both to use the embedded PostgreSQL."
            ),
        ),
    ],
)
def test_a_bad_value_names_the_variable_and_the_remedy(variable: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({variable: text})
    assert refusal.value.variable == variable
    assert str(refusal.value) == sentence


def test_a_bad_url_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({"DATABASE_URL": "mysql://shop:secret@database/shop"})
    assert str(refusal.value) == (
        "DATABASE_URL is not a PostgreSQL URL. Write it as postgresql://user:password@host:5432/database."
    )


def test_a_bad_secret_is_not_repeated() -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({"REGULARS_SMS_URL": "sms.example?key=secret"})
    assert str(refusal.value) == (
        "REGULARS_SMS_URL is …, which cannot be used. Give it a value of this kind: web address."
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        setattr(load_settings({}), "port", 1)  # noqa: B010 -- mypy rightly refuses the plain assignment


def test_reading_settings_imports_nothing_heavy() -> None:
    source = "import sys, regulars.platform.settings; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sqlalchemy", "psycopg", "litestar", "asyncio"} & set(loaded)
