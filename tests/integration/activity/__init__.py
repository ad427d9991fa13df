"""Activity: who did what, and why something was refused."""
