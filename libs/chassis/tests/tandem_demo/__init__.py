"""A service for tests: it registers people by name, and hears of programs."""
