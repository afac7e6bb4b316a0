"""Every metric of the event backbone, with its meaning."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS_RECORDED = Counter(
    "tandem_outbox_recorded_total", "Events added to the outbox (counted before commit)", ["type"]
)
EVENTS_SENT = Counter("tandem_outbox_sent_total", "Events that Kafka acknowledged", ["topic"])
OUTBOX_DEPTH = Gauge(
    "tandem_outbox_depth", "Events of this service recorded and not yet acknowledged by Kafka; the same in all replicas"
)
OUTBOX_OLDEST_SECONDS = Gauge("tandem_outbox_oldest_seconds", "Age of the oldest of them; the same in all replicas")
OUTBOX_LEADER = Gauge("tandem_outbox_leader", "1 while this process's relay leads")
RELAY_FAILURES = Counter("tandem_relay_failures_total", "Times the relay had to begin again", ["reason"])

EVENTS_HANDLED = Counter("tandem_consumer_handled_total", "Events whose handler was committed", ["type"])
EVENTS_DUPLICATE = Counter("tandem_consumer_duplicate_total", "Events seen before and passed over")
EVENTS_PASSED_OVER = Counter("tandem_consumer_passed_over_total", "Events nobody here subscribes to", ["reason"])
EVENTS_PARKED = Counter("tandem_consumer_parked_total", "Events put aside", ["standing"])
PARKED_NOW = Gauge(
    "tandem_parked_events", "Events of this service that are put aside now; the same in all replicas", ["standing"]
)
EVENTS_REDRIVEN = Counter("tandem_consumer_redriven_total", "Parked events handled later")
EVENTS_DISCARDED = Counter(
    "tandem_consumer_discarded_total", "Parked events given up by an operator, or because their thing is gone"
)
BATCH_FALLBACKS = Counter("tandem_consumer_batch_fallbacks_total", "Batches that were handled one event at a time")
BATCH_SECONDS = Histogram("tandem_consumer_batch_seconds", "From fetch to commit of a batch")
CONSUMER_PARTITIONS = Gauge("tandem_consumer_partitions", "Partitions that this process reads now")
CONSUMER_FAILURES = Counter(
    "tandem_consumer_failures_total", "Times the consumer had to begin again, or to step over something", ["reason"]
)
CONSUMER_LAG = Gauge(
    "tandem_consumer_lag_events", "Events on the topic and not yet handled here", ["topic", "partition"]
)
OLDEST_UNHANDLED_SECONDS = Gauge("tandem_consumer_oldest_unhandled_seconds", "Age of the oldest event not handled yet")
EVENT_SECONDS = Histogram(
    "tandem_consumer_event_seconds",
    "From the broker's receipt of the oldest event of a batch to the commit of the batch's effects",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
