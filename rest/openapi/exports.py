"""What is told of the paths of exports."""

from typing import Any

from models.exports import ExportOptions
from rest.openapi.description import Answer, Description
from services.exports.families import Family

TAG = "Exports"
MORE = (
    "The newest row comes first, each once. What broke off goes on behind the last row that came, by `cursor`. "
    "An unknown parameter is refused, because a filter that is ignored lets out what it should have held back."
)


def export_of(family: Family[Any, Any]) -> Description:
    """What is told of one family."""
    words = family.name.replace("-", " ")
    texts = {"text/csv": ",".join(family.columns) + "\n", "application/x-ndjson": ""}
    return Description(
        "export" + "".join(word.capitalize() for word in words.split()),
        TAG,
        f"Export {words}",
        Answer("The rows, as they are asked for.", texts=texts),
        MORE,
        query=(ExportOptions, family.filter),
    )
