"""What one can do: one async verb for each feature, and the only code that reads and writes MongoDB."""
