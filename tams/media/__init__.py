"""The only room that touches PyAV: probe, cut, join."""
