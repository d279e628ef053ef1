"""Base paths that speak another shape over the same services."""
