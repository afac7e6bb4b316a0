"""The page of all settings, made from the services' own declarations: name, default, what is allowed, meaning."""

import importlib
import json
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import FilePath, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tandem_chassis.settings import ServiceSettings

UNITS = {
    "milliseconds": "ms",
    "seconds": "s",
    "minutes": "min",
    "hours": "h",
    "days": "d",
    "bytes": "bytes",
    "events": "events",
    "connections": "connections",
    "relationships": "relationships",
    "partitions": "partitions",
}
"""The last word of a setting's name that is its unit, and how the page writes it."""

GROUPS = {
    "database": "PostgreSQL",
    "kafka": "Kafka",
    "outbox": "Sending events",
    "republish": "Sending events",
    "consumer": "Reading events",
    "waiting": "Reading events",
    "inbox": "Reading events",
    "http": "HTTP",
    "oidc": "Who may call: OpenID Connect",
}
"""The heading under which a setting stands, by the first word of its name."""

BEGINNING = """\
# Settings

<!-- Made by `make generate` from the services' own declarations. Change those, not this page. -->

Every service reads its settings from environment variables when it starts. A wrong or missing one ends the process with
exit code 78 and a line on standard error for each, with its name and the reason:

```
TANDEM_DATABASE_URL: Field required
TANDEM_KAFKA_SASL_PASSWORD: needed with this TANDEM_KAFKA_SECURITY_PROTOCOL
```

A setting may also stand in a file of its name in small letters, such as `tandem_database_url`, in the directory that
`TANDEM_SECRETS_DIRECTORY` names; the environment comes before the file.

The unit is the last word of a name. Times are lengths; only `TANDEM_REPUBLISH_SINCE` is a moment, written with its time
zone. Nothing is read again while a service runs: change a setting by starting anew. What is marked *secret* belongs in
a secret store, and is never written to logs.
"""


def page(services: Iterable[str]) -> str:
    """The page, in Markdown: what all services share, then what each has of its own."""
    parts = [BEGINNING, "## All services\n"]
    shared = ServiceSettings.model_fields
    for heading, fields in _grouped(shared).items():
        parts += [f"### {heading}\n", _table(fields)]
    for service in services:
        own = {name: field for name, field in _fields(service).items() if _says_more(field, shared.get(name))}
        parts += [f"## {service.capitalize()} only\n", _table(own) if own else "Nothing more.\n"]
    return "\n".join(parts)


def fields_of_all(services: Iterable[str]) -> dict[str, FieldInfo]:
    """Every setting of the platform by its field's name; a service's own declaration comes before the shared one."""
    found = dict(ServiceSettings.model_fields)
    for service in services:
        found |= {name: field for name, field in _fields(service).items() if _says_more(field, found.get(name))}
    return found


def unit_of(name: str) -> str:
    """The unit in which a setting is written, or nothing for words, switches and plain counts."""
    return UNITS.get(name.rsplit("_", 1)[-1], "")


def _fields(service: str) -> Mapping[str, FieldInfo]:
    settings: type[ServiceSettings] = importlib.import_module(f"tandem_{service}.settings").Settings
    return settings.model_fields


def _says_more(field: FieldInfo, shared: FieldInfo | None) -> bool:
    return shared is None or field.default != shared.default or field.description != shared.description


def _grouped(fields: Mapping[str, FieldInfo]) -> dict[str, dict[str, FieldInfo]]:
    groups: dict[str, dict[str, FieldInfo]] = {heading: {} for heading in (*GROUPS.values(), "Running")}
    for name, field in fields.items():
        groups[GROUPS.get(name.split("_", 1)[0], "Running")][name] = field
    return groups


def _table(fields: Mapping[str, FieldInfo]) -> str:
    lines = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `TANDEM_{name.upper()}` | {_default(name, field)} | {_allowed(name, field)} | {_meaning(field)} |"
        for name, field in fields.items()
    ]
    return "\n".join(lines) + "\n"


def _default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value: Any = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in (None, "", PydanticUndefined):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list):
        return f"`{json.dumps(list(value))}`"
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return " ".join(part for part in (f"`{number}`", unit_of(name)) if part)


def _allowed(name: str, field: FieldInfo) -> str:
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not NoneType]
    if bool in kinds:
        return "`true`, `false`"
    pattern = next((one.pattern for one in field.metadata if getattr(one, "pattern", None)), None)
    if pattern is not None:
        choices = str(pattern).removeprefix("^(").removesuffix(")$").split("|")
        return ", ".join(f"`{choice}`" for choice in choices) if _are_plain(choices) else f"`{_cell(str(pattern))}`"
    least, most = _bounds(field)
    number = next((kind for kind in kinds if kind in (int, float)), None)
    if number is not None:
        whole = "whole number" if number is int else "number"
        bounds = " ".join(part for part in (least, most) if part)
        return ", ".join(part for part in (f"{whole} {bounds}".strip(), unit_of(name)) if part)
    if SecretStr in kinds:
        return "*secret*"
    if getattr(field.annotation, "__origin__", None) in (tuple, list):
        return "a list in JSON"
    if FilePath in kinds or any(str(kind).endswith("FilePath") for kind in kinds):
        return "a file that exists"
    if any("Dsn" in str(kind) for kind in kinds):
        return "address, *secret*"
    return "address" if any("Url" in str(kind) for kind in kinds) else "text"


def _meaning(field: FieldInfo) -> str:
    return _cell(field.description or "")


def _are_plain(choices: list[str]) -> bool:
    return all(choice.replace("-", "").replace("_", "").isalnum() for choice in choices)


def _bounds(field: FieldInfo) -> tuple[str, str]:
    least = most = ""
    for rule in field.metadata:
        if isinstance(rule, Ge):
            least = f"from {rule.ge:,}"
        elif isinstance(rule, Gt):
            least = f"above {rule.gt:,}"
        elif isinstance(rule, Le):
            most = f"to {rule.le:,}"
        elif isinstance(rule, Lt):
            most = f"below {rule.lt:,}"
    return least, most


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
