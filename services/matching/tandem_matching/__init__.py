"""Matching decides who is paired with whom, says why, and keeps the one ledger of everybody's places."""
