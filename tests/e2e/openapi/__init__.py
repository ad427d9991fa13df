"""The OpenAPI document against the API that it tells of."""
