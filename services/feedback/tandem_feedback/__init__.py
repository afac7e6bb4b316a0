"""Feedback decides how relationships go: goals, honest feedback, health, recognition, and what it all brings."""
