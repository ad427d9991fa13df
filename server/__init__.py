"""What puts Tessera together: settings, authentication, the GraphQL view, GraphiQL, health, the command line."""

__version__ = "1.0.0"
