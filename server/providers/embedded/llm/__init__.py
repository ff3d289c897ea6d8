"""The embedded substitute for an LLM: a scripted Hebrew receptionist of a real-estate office."""
