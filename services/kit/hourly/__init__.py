"""Totals by the hour, from which series are read, and their audit."""
