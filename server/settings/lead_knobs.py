"""The knobs of what brings leads to the office; a part of ``server.config.Config``."""

from typing import Literal

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings

from server.knobs import knob
from server.settings.knob_types import EmailAddress, EmailAddresses, SmtpUrl, WebhookUrl
from server.settings.plausible import why_no_smtp_url

LEAST_SECRET_CHARACTERS = 16


class LeadKnobs(BaseSettings):
    leads_webhook_url: WebhookUrl = knob(
        SecretStr(""),
        "Each lead is posted there once, signed: https://crm.example.com/leads; empty: nowhere.",
    )
    leads_webhook_secret: SecretStr = knob(
        SecretStr(""), "Signs what is posted there (HMAC-SHA256); at least 16 characters."
    )
    leads_email_to: EmailAddresses = knob(
        (), "Each lead is mailed there once: office@example.com, with commas."
    )
    leads_email_from: EmailAddress = knob(
        "", "Who those e-mails are from; empty: the first of LEADS_EMAIL_TO."
    )
    smtp_url: SmtpUrl = knob(
        SecretStr(""), "The mail server: smtp://user:password@host:587 (STARTTLS), or smtps://…:465."
    )
    leads_retry_hours: int = knob(48, "How long a lead that does not arrive is tried again.", 1, 336)
    leads_summary: Literal["rules", "llm"] = knob(
        "rules", "A lead's summary: by rules, or by the LLM, asked once behind each call."
    )

    @model_validator(mode="after")
    def _nothing_is_missing(self) -> "LeadKnobs":
        secret = self.leads_webhook_secret.get_secret_value()
        if self.leads_webhook_url.get_secret_value() and len(secret) < LEAST_SECRET_CHARACTERS:
            least = f"at least {LEAST_SECRET_CHARACTERS} characters"
            raise ValueError(f"LEADS_WEBHOOK_SECRET: must have {least} where LEADS_WEBHOOK_URL is set")
        if self.leads_email_to and (why := why_no_smtp_url(self.smtp_url.get_secret_value())):
            raise ValueError(f"SMTP_URL: {why}, where LEADS_EMAIL_TO is set")
        return self

    @property
    def leads_sender(self) -> str:
        return self.leads_email_from or next(iter(self.leads_email_to), "")
