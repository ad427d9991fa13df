"""Series of what was redeemed, used, moved and ordered."""
