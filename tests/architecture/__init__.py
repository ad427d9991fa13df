"""The rooms and the arrows between them."""
