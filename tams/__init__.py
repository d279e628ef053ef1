"""The store for time-addressable media."""

__version__ = "0.1.0"
