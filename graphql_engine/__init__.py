"""A Strawberry schema served quickly: documents parsed, judged and validated once, then compiled to plain Python.

It knows nothing of the application that it serves. `README.md` beside this file says what it promises.
"""
