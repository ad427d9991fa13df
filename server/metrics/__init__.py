"""The metrics of the API: what is counted of requests, gathered over all workers, on a port of their own."""
