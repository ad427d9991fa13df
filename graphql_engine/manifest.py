"""The manifest of persisted documents: a JSON object of each text by its SHA-256 in lower-case hexadecimal."""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path


class ManifestError(Exception):
    """The manifest cannot be used; the message is a sentence without its subject, such as `is not a JSON object`."""


_NAMED = re.compile(r"(?:^|\})\s*(?:query|mutation|subscription)\s+([_A-Za-z][_0-9A-Za-z]*)", re.MULTILINE)


def operation_names(texts: Iterable[str]) -> frozenset[str]:
    """Returns the names of the operations in these documents."""
    return frozenset(name for text in texts for name in _NAMED.findall(text))


def digest(text: str) -> str:
    """Returns the SHA-256 of a document's text as it stands, by which clients name it."""
    return sha256(text.encode()).hexdigest()


def read_manifest(path: Path) -> Mapping[str, str]:
    """Returns the documents by their hashes. Raises `ManifestError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else "it is not JSON in UTF-8"
        raise ManifestError(f"cannot be read: {reason}") from None
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise ManifestError("must be a JSON object of texts by their SHA-256")
    wrong = [given for given, text in content.items() if given != digest(text)]
    if wrong:
        raise ManifestError(f"names documents by hashes that are not theirs: {', '.join(wrong[:3])}")
    return content


def write_manifest(texts: Iterable[str]) -> str:
    """Returns the manifest of these documents, in the order of their hashes: the same text for the same documents."""
    return json.dumps({digest(text): text for text in texts}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
