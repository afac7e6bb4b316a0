"""Sheet mappings that ship with the product: forms that organisers use, ready to be copied into a program."""

import json
from importlib.resources import files

from tandem_profiles.domain.sheet_mapping import SheetMapping

SHIPPED = ("civil_service",)


def shipped_mapping(name: str) -> SheetMapping:
    """The mapping of this name, one of `SHIPPED`.

    Raises:
        KeyError: none of this name ships with the product.
    """
    if name not in SHIPPED:
        raise KeyError(name)
    return SheetMapping.from_document(json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")))
