"""What every service stands on: HTTP, transactions, identity, errors, health. No noun of mentoring is in it."""
