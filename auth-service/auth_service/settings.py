"""Everything that can differ between two deployments of auth."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from chassis.identity import LONGEST_ACCESS_SECONDS
from chassis.settings import MINIMUM_SECRET_LENGTH, ServiceSettings, development_secret, is_weak

DAY = 86_400
"""Seconds."""


class Settings(ServiceSettings):
    secrets_of_others: ClassVar[frozenset[str]] = frozenset({"smtp_password"})

    max_body_bytes: int = Field(16_384, ge=1_000, description="Largest request body.")
    jwt_secret_key: SecretStr = Field(
        development_secret("jwt"), description="Signs access tokens and seals what sessions keep; auth alone gets it."
    )
    jwt_previous_secret_keys: SecretStr | None = Field(
        None, description="Earlier values of JWT_SECRET_KEY, separated by commas: they verify, but sign nothing."
    )
    access_token_seconds: int = Field(
        600, ge=30, le=LONGEST_ACCESS_SECONDS, description="How long an access token is valid."
    )
    session_seconds: int = Field(30 * DAY, ge=3600, description="How long a session lasts after its last refresh.")
    refresh_grace_seconds: int = Field(
        10, ge=0, le=60, description="How long a refresh may be repeated, for a client that missed the answer."
    )
    password_min_length: int = Field(8, ge=8, le=64, description="Fewest characters of a new password.")
    argon2_memory_kib: int = Field(65_536, ge=8, description="Memory of one password hash.")
    argon2_iterations: int = Field(3, ge=1, description="Passes of one password hash over its memory.")
    argon2_lanes: int = Field(4, ge=1, le=16, description="Threads of one password hash.")
    argon2_at_once: int = Field(4, ge=1, le=64, description="Password hashes computed at once; bounds the memory.")
    argon2_waiting: int = Field(200, ge=0, description="Password hashes that may wait; beyond that sign-ins get a 503.")

    signup: Literal["open", "invite", "closed"] = Field(
        "open", description="Who may make an account; operators always can, by the command line."
    )
    guests: Literal["on", "off"] = Field("on", description="Whether one may come in without an account.")
    email_verification: Literal["off", "required"] | None = Field(
        None, description="Whether a sign-up waits for its mail to be answered; `required` where SMTP_HOST is set."
    )
    sign_ups_per_address_per_hour: int = Field(1000, ge=1, description="New accounts from one IP address.")
    guests_per_address_per_hour: int = Field(300, ge=1, description="New guests from one IP address.")
    failed_log_ins_per_account: int = Field(
        10, ge=1, description="Failed log-ins to one account in 15 minutes, from networks it was never used from."
    )
    failed_log_ins_per_address: int = Field(300, ge=1, description="Failed log-ins from one IP address in 15 minutes.")
    google_nonces_per_address_per_hour: int = Field(
        1000, ge=1, description="Google sign-ins begun from one IP address."
    )
    mails_per_mailbox_per_hour: int = Field(5, ge=1, description="Mails that one e-mail address is sent on request.")
    refresh_cookie_same_site: Literal["strict", "lax", "none"] = Field(
        "strict", description="`none` for a front-end on another site than this server; it then needs TLS."
    )

    api_keys_per_user: int = Field(50, ge=1, description="API keys that one account may have.")
    api_key_token_seconds: int = Field(
        120, ge=30, le=LONGEST_ACCESS_SECONDS, description="How long the access token behind an API key is valid."
    )

    google_client_id: str = Field(
        "", description="Client ids of your Google sign-in, separated by commas; without one it is off."
    )
    google_certs_url: str = Field(
        "https://www.googleapis.com/oauth2/v1/certs",
        description="Where the certificates of Google's keys are published.",
    )

    smtp_host: str = Field("", description="Mail server; without one, development writes mails into a folder.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the mail server is spoken to."
    )
    smtp_username: str = Field("", description="Name at the mail server; none for a server that wants none.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    mail_from: str = Field("Deepthinks <no-reply@localhost>", description="Sender of mails.")
    app_name: str = Field("Deepthinks", min_length=1, max_length=64, description="What mails call this place.")
    app_url: str = Field(
        "", description="Your front-end: mails link to <APP_URL>/verify-email, /reset-password and /confirm-email."
    )

    chat_url: str = Field(
        "http://127.0.0.1:8002", description="Where chat is, to be told of merged and deleted accounts."
    )
    memory_url: str = Field("http://127.0.0.1:8003", description="Where memory is.")
    files_url: str = Field("http://127.0.0.1:8004", description="Where files is.")
    analytics_url: str = Field("http://127.0.0.1:8005", description="Where analytics is.")
    secret_auth_chat: SecretStr = Field(development_secret("auth-chat"), description="Shared with chat alone.")
    secret_auth_memory: SecretStr = Field(development_secret("auth-memory"), description="Shared with memory alone.")
    secret_auth_files: SecretStr = Field(development_secret("auth-files"), description="Shared with files alone.")
    secret_auth_analytics: SecretStr = Field(
        development_secret("auth-analytics"), description="Shared with analytics alone."
    )
    saga_wait_seconds: float = Field(
        2.0, ge=0, le=30, description="How long a sign-in with a guest, or a deletion, waits for the other services."
    )

    @field_validator("mail_from")
    @classmethod
    def refuse_what_is_no_sender(cls, text: str) -> str:
        """It stands in the header of every mail."""
        _sender(text)
        return text

    @field_validator("app_name")
    @classmethod
    def refuse_what_fits_no_subject(cls, text: str) -> str:
        """So does this."""
        if not text.isprintable():
            raise ValueError("APP_NAME must be one line of printable characters")
        return text

    @field_validator("app_url")
    @classmethod
    def refuse_what_is_no_page(cls, text: str) -> str:
        """Links are made by putting a path behind it."""
        if text and not re.fullmatch(r"https?://[^\s?#<>\"]+", text):
            raise ValueError("APP_URL must be the http or https address of your front-end")
        return text.rstrip("/")

    @model_validator(mode="after")
    def refuse_secrets_that_cannot_be_rotated(self) -> Self:
        """The present secret becomes one of a list; in production each of that list must be as long as it is."""
        if "," in self.jwt_secret_key.get_secret_value():
            raise ValueError("JWT_SECRET_KEY must not contain a comma: it could not become a previous one")
        if self.deepthinks_env == "production" and any(map(is_weak, self.secrets)):
            raise ValueError(
                "each of JWT_PREVIOUS_SECRET_KEYS must be a secret of your own of at least"
                f" {MINIMUM_SECRET_LENGTH} characters when DEEPTHINKS_ENV=production"
            )
        if self.email_verification == "required" and not self.sends_mail:
            raise ValueError("EMAIL_VERIFICATION=required needs SMTP_HOST when DEEPTHINKS_ENV=production")
        return self

    @model_validator(mode="after")
    def refuse_keys_that_anybody_could_replace(self) -> Self:
        """Whoever is on the way to Google's keys could otherwise be anybody here."""
        if self.deepthinks_env == "production" and not self.google_certs_url.startswith("https://"):
            raise ValueError("GOOGLE_CERTS_URL must begin with https:// when DEEPTHINKS_ENV=production")
        return self

    @property
    def google_client_ids(self) -> list[str]:
        """Of whom Google's ID tokens are taken."""
        return [named.strip() for named in self.google_client_id.split(",") if named.strip()]

    @property
    def verifies_email(self) -> bool:
        """Whether accounts begin with a mail."""
        return self.email_verification == "required" or (self.email_verification is None and bool(self.smtp_host))

    @property
    def sends_mail(self) -> bool:
        """Whether there is a way to send mail: a server, or the folder that stands for one in development."""
        return bool(self.smtp_host) or self.deepthinks_env == "development"

    @property
    def mail_sender(self) -> Address:
        """Name and address of who sends mails."""
        return _sender(self.mail_from)

    @property
    def secrets(self) -> list[str]:
        """The present secret, then the previous ones."""
        given = [self.jwt_secret_key, self.jwt_previous_secret_keys or SecretStr("")]
        named = ",".join(secret.get_secret_value() for secret in given).split(",")
        return list(dict.fromkeys(secret.strip() for secret in named if secret.strip()))


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    try:
        sender = Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        sender = Address()
    if not sender.domain or not text.isprintable():
        raise ValueError("MAIL_FROM must be an e-mail address, or a name and <an address>")
    return sender
