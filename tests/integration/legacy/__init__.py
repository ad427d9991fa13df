"""Data of older systems, and files that spreadsheets had."""
