"""Times and threads simulated: whole calls in milliseconds."""
