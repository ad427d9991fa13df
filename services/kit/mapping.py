"""Entities as documents and back: names in camelCase, `Id`s as ObjectIds, decimals as Decimal128.

One mapper for each class of entities; nothing of a field is said but what the entity says.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from bson import Decimal128, ObjectId
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from models.base import camel_case, names_of_ids
from services.kit.database import Document

Entity = TypeVar("Entity")

# What MongoDB gives back is of the right class already; a value of another is a fault of whoever stored it.
_AS_THEY_ARE = (str, int, bool, datetime, datetime | None, str | None, int | None, bool | None)


def _overrides(entity: type) -> Any:  # cattrs takes them as keywords, among its own

    ids = names_of_ids(entity)
    return {
        f.name: override(
            rename=camel_case(f.name),
            struct_hook=_id_from if f.name in ids else None,
            unstruct_hook=_id_to if f.name in ids else None,
        )
        for f in fields(entity)
    }


def _id_from(value: object, _: object) -> str | None:
    return None if value is None else str(value)


def _id_to(value: str | None) -> ObjectId | None:
    return None if value is None else ObjectId(value)


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    for kind in _AS_THEY_ARE:
        converter.register_structure_hook(kind, lambda value, _: value)
    converter.register_structure_hook(StrEnum, lambda value, kind: kind(value))
    converter.register_structure_hook(Decimal, lambda value, _: value.to_decimal())
    converter.register_unstructure_hook(Decimal, Decimal128)
    converter.register_unstructure_hook(StrEnum, lambda member: member.value)
    converter.register_structure_hook_factory(
        is_dataclass, lambda entity: make_dict_structure_fn(entity, converter, **_overrides(entity))
    )
    converter.register_unstructure_hook_factory(
        is_dataclass,
        # A field that follows from others is stored beside them, though it is not read.
        lambda entity: make_dict_unstructure_fn(
            entity, converter, _cattrs_include_init_false=True, **_overrides(entity)
        ),
    )
    return converter


_CONVERTER = _converter()


@dataclass(frozen=True, slots=True)
class Derived(Generic[Entity]):
    """Fields of the document alone: what follows from some fields of the entity and is stored for queries."""

    sources: frozenset[str]
    make: Callable[[Entity], Document]


class Mapper(Generic[Entity]):
    """Maps one class of entities, with what is `derived` from them.

    A field of `optional` is left out of the document where it is None, so that an index over it holds nothing else.
    `upgrade` makes an entity of today of one that was read from a document of an earlier form.
    """

    def __init__(
        self,
        entity: type[Entity],
        *,
        derived: Sequence[Derived[Entity]] = (),
        optional: Iterable[str] = (),
        upgrade: Callable[[Entity, Document], Entity] = lambda entity, _: entity,
    ) -> None:
        self._entity = entity
        self._derived = derived
        self._fields = [f.name for f in fields(entity)]  # type: ignore[arg-type]  # entities are dataclasses
        self._optional = frozenset(camel_case(name) for name in optional)
        self._upgrade = upgrade
        self._load = _CONVERTER.get_structure_hook(entity)
        self._dump = _CONVERTER.get_unstructure_hook(entity)

    def load(self, document: Document) -> Entity:
        """The entity of a document; raises `KeyError` where a field without a default is missing."""
        return self._upgrade(cast("Entity", self._load(document, self._entity)), document)

    def dump(self, entity: Entity) -> Document:
        """The document of an entity."""
        document: Document = self._dump(entity)
        for name in self._optional:
            if document[name] is None:
                del document[name]
        for derived in self._derived:
            document |= derived.make(entity)
        return document

    def update(self, before: Entity, after: Entity, increments: Collection[str] = ()) -> dict[str, Document]:
        """The update that makes one document of the other; fields of `increments` are added to instead of set."""
        changed = [name for name in self._fields if getattr(before, name) != getattr(after, name)]
        document: Document = self._dump(after)
        update: dict[str, Document] = {}
        for name in changed:
            stored = camel_case(name)
            if name in increments:
                update.setdefault("$inc", {})[stored] = getattr(after, name) - getattr(before, name)
            elif stored in self._optional and document[stored] is None:
                update.setdefault("$unset", {})[stored] = ""
            else:
                update.setdefault("$set", {})[stored] = document[stored]
        for derived in self._derived:
            if not derived.sources.isdisjoint(changed):
                update.setdefault("$set", {}).update(derived.make(after))
        return update
