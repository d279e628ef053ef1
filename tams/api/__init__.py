"""The TAMS API exactly as the standard writes it."""

from tams.api.routing import register_convertors

# Routes name these convertors when their modules are imported.
register_convertors()
