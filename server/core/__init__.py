"""The pure half: no thread, socket, clock, environment, log or vendor. Events in, actions out."""
