"""Domain values to and from the standard's JSON; pure, without a framework."""
