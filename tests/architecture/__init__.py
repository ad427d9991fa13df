"""The packages and the arrows between them."""
