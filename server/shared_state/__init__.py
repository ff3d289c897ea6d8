"""What processes know together: in memory, in an SQLite file, or in Redis."""
