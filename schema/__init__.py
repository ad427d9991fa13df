"""The GraphQL types: objects, inputs, unions, connections. They are made from the models and hold no rules."""
