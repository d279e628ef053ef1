"""Additions to the standard, one file and one switch each."""
