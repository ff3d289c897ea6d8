"""What every call leaves: facts of it and of its turns, kept in a database, for those who look afterwards."""
