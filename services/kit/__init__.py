"""What every noun is built with; it knows none of them."""
