"""How the words of a caller's turn end (A7): numbers, spelled names, last words, clauses. Lists are data."""
