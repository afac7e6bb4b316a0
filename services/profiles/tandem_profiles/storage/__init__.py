"""Tables and every query, one file for each noun."""
