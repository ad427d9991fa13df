"""What happened, and to whom: lists of what the ledgers hold, and the filters of all lists."""
