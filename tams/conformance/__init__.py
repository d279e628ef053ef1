"""Checks of the standard over HTTP, against any server."""
