"""Access codes and their uses."""
