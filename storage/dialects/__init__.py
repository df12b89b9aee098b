"""What differs between SQLite and PostgreSQL: connections, how a transaction begins, how errors are told."""
