"""How a caller's turn ends (A7): numbers, spelled names, last words, clauses. Lists are data."""
