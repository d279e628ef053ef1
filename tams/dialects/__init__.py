"""Base paths that speak another shape over the same services: one shape a file.

Each file holds `DIALECTS`, by name; the name is the base path, as in `TAMS_DIALECTS`.
"""
