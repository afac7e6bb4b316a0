"""Negative controls: designs that are known to be wrong, so that the verdict can show that it sees it."""
