"""The tables of scheduling, and every query."""
