"""Media files: what is in them, cutting them into Objects and joining Objects again (PyAV)."""
