"""Persisted documents: which are registered, and the manifest that names them."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError

from graphql_engine.manifest import ManifestError, digest, read_manifest, write_manifest
from graphql_engine.persisted import PersistedDocuments, PersistedMode
from tests.support.manifests import faulty_manifests

FIRST, SECOND = "{ a }", "query B { b }"


def named(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


def test_only_the_latest_registered_documents_are_kept() -> None:
    persisted = PersistedDocuments(PersistedMode.ALLOW, size=2, longest=20)
    for text in ("{ a }", "{ b }"):
        assert persisted.text_of(text, named(text), privileged=False) == text
    assert persisted.text_of(None, named("{ a }"), privileged=False) == "{ a }"
    persisted.text_of("{ c }", named("{ c }"), privileged=False)
    assert persisted.text_of(None, named("{ a }"), privileged=False) == "{ a }"
    bulk = f"{{ {'a ' * 20} }}"
    persisted.text_of(bulk, named(bulk), privileged=False)
    for text in ("{ b }", bulk):
        with pytest.raises(GraphQLError, match="PersistedQueryNotFound"):
            persisted.text_of(None, named(text), privileged=False)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(write_manifest([FIRST, SECOND, "{ größe }"]), encoding="utf-8")
    assert read_manifest(path) == {digest(text): text for text in (FIRST, SECOND, "{ größe }")}
    assert write_manifest([SECOND, FIRST]) == write_manifest([FIRST, SECOND])


@faulty_manifests
def test_a_manifest_at_fault_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ManifestError, match=message):
        read_manifest(path)
