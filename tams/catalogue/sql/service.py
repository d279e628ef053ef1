"""The service's description, on the one row of its table."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from tams.catalogue.promises.service import Service
from tams.catalogue.sql.connection import Connection
from tams.catalogue.sql.schema import service
from tams.catalogue.sql.statements import Statement
from tams.domain.service import ServiceDescription

_GET = select(service.c.name, service.c.description)
_LOCK = _GET.with_for_update()
_REPLACE = update(service).values(name=bindparam("name"), description=bindparam("description"))


class SQLService(Service):
    """Reads and writes the row, which is there from the first day."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self) -> ServiceDescription:
        return await self._read(_GET)

    async def lock(self) -> ServiceDescription:
        return await self._read(_LOCK)

    async def replace(self, description: ServiceDescription) -> None:
        values = {"name": description.name, "description": description.description}
        await self._connection.execute(_REPLACE, values)

    async def _read(self, statement: Statement) -> ServiceDescription:
        [(name, description)] = await self._connection.fetch(statement, {})
        return ServiceDescription(name, description)
