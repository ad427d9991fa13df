"""What the command line does with topics: send an event, put back what was set aside, go back to a moment."""
