"""What the engine refuses before anything runs; an application says what each means to its clients."""


class Refused(Exception):
    """The base of all of them."""


class IntrospectionRefused(Refused):
    """The document asks for the schema, and this caller may not know it."""


class DocumentNotTrusted(Refused):
    """Only the documents of the manifest run, and this is none of them."""


class MethodRefused(Refused):
    """The transport carries no operation of this kind: a mutation came by GET."""


class OutOfTime(Refused):
    """The operation took longer than an operation may; it was cancelled."""
