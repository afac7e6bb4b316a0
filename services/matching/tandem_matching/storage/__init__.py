"""Tables and every query of matching."""
