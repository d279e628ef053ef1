"""The catalogue in SQL, for SQLite and PostgreSQL."""
