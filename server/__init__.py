"""What puts Tessera together: settings, authentication, limits, the GraphQL view, GraphiQL, health, the command line."""
