"""The conversation, pure: no thread, socket, clock, environment, log or vendor. Events in, actions out."""
