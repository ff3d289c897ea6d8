"""The simulated caller: it acts as Twilio and as a person on the phone."""
