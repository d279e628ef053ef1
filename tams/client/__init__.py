"""An async client of any TAMS server."""
