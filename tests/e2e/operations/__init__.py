"""The command line, the embedded parts and the deployment files."""
