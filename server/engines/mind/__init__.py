"""The embedded mind: a scripted Hebrew receptionist of a real-estate office."""
