"""Scheduling: when pairs meet, about what, and what they agreed."""
