"""GraphiQL: its page and files over HTTP, and the whole of it in a real Chromium."""
