"""The embedded LLM's stand-in: a scripted Hebrew receptionist of a real-estate office."""
