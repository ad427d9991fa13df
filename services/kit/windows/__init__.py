"""The windows of the rate limit: their rows in MongoDB, and what this worker has reserved of them."""
