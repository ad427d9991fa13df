"""GraphQL over HTTP, server-sent events and WebSocket: the schema as it is served, and the view at `/graphql`."""
