"""The fault run: the backbone under kills, outages, duplicates and poison, judged against an oracle."""
