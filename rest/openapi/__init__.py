"""The OpenAPI document: what is told of each route, and how the document is made of that."""
