"""What the server does; the only room that opens a transaction."""
