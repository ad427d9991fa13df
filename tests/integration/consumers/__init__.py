"""The parts of the consumers process, from inside."""
