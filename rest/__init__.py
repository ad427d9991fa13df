"""The documented paths: read the request, call the verb, wrap its answer in the documented shape."""
