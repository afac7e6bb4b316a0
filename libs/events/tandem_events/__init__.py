"""How facts are written, carried and read: contracts, outbox, relay, consumer, inbox, parked events."""
