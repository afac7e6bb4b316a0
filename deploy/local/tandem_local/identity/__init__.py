"""The embedded identity provider: OpenID Connect for one machine, where anyone at the keyboard may be anyone."""

AUDIENCE = "tandem"
"""What access tokens are for: the `aud` that the services require."""
