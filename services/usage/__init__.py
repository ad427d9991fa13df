"""Usage followers: limits, holds and counts."""
