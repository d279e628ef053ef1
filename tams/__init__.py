"""The store for time-addressable media."""

__version__ = "0.1.0"

DEFAULT_URL = "http://localhost:8000"
"""Where commands and scripts look for a server if they are not told."""
