"""The rules of the feedback service: pure, without clock, framework or storage."""
