"""What holds for every path of the API."""
