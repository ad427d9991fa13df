"""Documents in `.graphql` files, held to the schema."""

from collections.abc import Iterable
from pathlib import Path

from graphql import GraphQLError

from server.graphql.schema import tessera_schema


def read_documents(files: Iterable[Path]) -> tuple[dict[Path, str], list[str]]:
    """Returns the documents by their files, and a line for each fault of each of them."""
    documents = tessera_schema().documents
    texts: dict[Path, str] = {}
    faults: list[str] = []
    for path in (one for file in files for one in (sorted(file.rglob("*.graphql")) if file.is_dir() else [file])):
        try:
            text = path.read_bytes().decode()  # as it stands: its hash is of each byte
            document = documents.parse(text)
            errors = documents.validate(document, hide_suggestions=False)
            if not document.operations:
                errors = [*errors, GraphQLError("The document has no operation.")]
        except OSError as fault:
            faults.append(f"{path}: {fault.strerror}")
            continue
        except UnicodeDecodeError:
            faults.append(f"{path}: not UTF-8")
            continue
        except GraphQLError as error:
            errors = [error]
        texts[path] = text
        faults += [f"{path}{_place(error.locations)}: {error.message}" for error in errors]
    return texts, faults


def _place(locations: object) -> str:
    first = locations[0] if isinstance(locations, list) and locations else None
    return f":{first.line}:{first.column}" if first else ""
