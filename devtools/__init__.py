"""What a developer's machine needs and a server does not: `tessera dev`, and the servers that it and the tests start.

It is no part of the wheel or of the image, and nothing imports it.
"""
