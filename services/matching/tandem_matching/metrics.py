"""Every metric of matching, with its meaning."""

from prometheus_client import Gauge, Histogram

RUN_SECONDS = Histogram(
    "tandem_match_run_seconds",
    "From the claim of a match run to its end, by how it ended: completed, refused, failed or given_up",
    ["ended"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
)
RUNS_WAITING = Gauge("tandem_match_runs_waiting", "Match runs asked for and not ended yet; the same in all replicas")
RUNS_OLDEST_SECONDS = Gauge(
    "tandem_match_runs_oldest_seconds", "Time since the oldest of them was asked for; the same in all replicas"
)
