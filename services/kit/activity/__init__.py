"""The rows of what was done, within its transaction, and of what was refused, behind the answer."""
