"""The TAMS API exactly as the standard writes it."""
