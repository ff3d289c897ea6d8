"""Leads on their way to the office: whole, in an outbox of the database, to a CRM and by e-mail."""
