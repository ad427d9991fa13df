"""What shows how the service fares: metrics of its work."""
