"""Alembic's entry: writes the statements between two versions as text, for our own drivers.

So the file of SQLite is opened by apsw alone, and PostgreSQL needs no second driver. A revision
therefore speaks SQL and nothing else: it cannot read rows.
"""

from __future__ import annotations

from alembic import context

context.configure(
    dialect_name=context.config.attributes["engine"],
    literal_binds=True,
    transactional_ddl=False,  # whoever runs the text opens the transaction
)
context.run_migrations()
