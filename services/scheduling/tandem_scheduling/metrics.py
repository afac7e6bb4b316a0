"""Every metric of scheduling, with its meaning."""

from prometheus_client import Counter, Gauge

REMINDERS_DUE = Gauge(
    "tandem_reminders_due", "People for whom a reminder is due and not said yet; the same in all replicas"
)
REMINDERS_LATE_SECONDS = Gauge(
    "tandem_reminders_late_seconds", "How long the first of them has been due; the same in all replicas"
)
ROUNDS_POSTPONED = Counter("tandem_due_rounds_postponed_total", "Times that what is due could not be looked at")
