"""Which calls are let in, and how the server ends: gate, slots, rate limits, drain."""
