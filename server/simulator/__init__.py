"""The simulated caller: it does to the server what Twilio and a person on the phone would do."""
