"""`tessera dev`: MongoDB, Kafka, the API and the consumers on one machine, supervised."""

from server.development.run import DevelopmentError, develop
from server.development.secrets import kept_secrets, make_token

__all__ = ["DevelopmentError", "develop", "kept_secrets", "make_token"]
