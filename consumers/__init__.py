"""The separate process: a topic → a verb, and the outbox → Kafka. `python -m consumers` runs it.

This page is all that others may use of the package; what it names is loaded when it is first asked for.
"""
