"""What no single service can show: the whole platform, driven from outside."""
