"""What things are: frozen dataclasses, enums, the error tree and pure decisions. No I/O, no clock, no random."""
