"""What shows how the service fares: metrics, traces, and where the time of a slow request went."""
