"""Users and groups over SCIM: create, read, find, replace, patch, remove."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from scim2_models import Context, Group, ListResponse, Meta, PatchOp, SearchRequest
from scim2_models.exceptions import InvalidSyntaxException, NotFoundException
from scim2_models.path.expressions import Comparison, LogicalExpr, LogicalOperator
from sqlalchemy.ext.asyncio import AsyncSession

from tandem_chassis.app import Now
from tandem_chassis.database import Transaction
from tandem_chassis.errors import PreconditionFailed
from tandem_profiles.api.scim import PREFIX
from tandem_profiles.api.scim.answers import ScimRoute, answer
from tandem_profiles.api.scim.service import MOST_RESULTS, DirectoryCaller, UserModel
from tandem_profiles.api.scim.users import told_by, user_of, with_manager_address
from tandem_profiles.domain.directory import NoSuchEntry, TooManyToLookThrough
from tandem_profiles.storage import directory as stored
from tandem_profiles.storage.directory import DirectoryGroup, DirectoryUser, Sought
from tandem_profiles.storage.people import Person
from tandem_profiles.use_cases import directory

MOST_LOOKED_THROUGH = 5_000
"""Of so many entries models are made for a filter that no index answers; that takes a few seconds of a processor."""
MODELS: dict[str, Any] = {"Users": UserModel, "Groups": Group}
_QUICK = {
    "Users": {
        "id": "id",
        "username": "userName",
        "externalid": "externalId",
        "emails.value": "emails",
        "emails": "emails",
    },
    "Groups": {"id": "id", "displayname": "displayName", "externalid": "externalId"},
}
_TIMES = {"gt": "changedFrom", "ge": "changedFrom", "lt": "changedUntil", "le": "changedUntil"}
"""The database lets whoever was changed at that very moment through, the filter after it may not."""

router = APIRouter(prefix=PREFIX, tags=["directory"], route_class=ScimRoute, include_in_schema=False)

IfMatch = Annotated[str | None, Header(alias="If-Match")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


def model_of(kind: str) -> Any:
    """The model of an endpoint. Raises SCIM's not-found for any other name."""
    if kind not in MODELS:
        raise NotFoundException(detail="There is no such endpoint.")
    return MODELS[kind]


def id_of(text: str) -> UUID:
    """An id as this service makes them. Raises `NoSuchEntry` for any other."""
    try:
        return UUID(text)
    except ValueError:
        raise NoSuchEntry from None


def _bound(message: Any, model: Any) -> Any:
    """A message's class for one kind of resource. Which kind is known only while the program runs."""
    return message[model]


def group_of(group: DirectoryGroup) -> Any:
    """The SCIM group that is kept here."""
    shown = Group.model_validate(group.document)
    shown.id = str(group.group_id)
    shown.meta = Meta(
        resource_type="Group",
        created=group.created_at,
        last_modified=group.changed_at,
        location=f"{PREFIX}/Groups/{group.group_id}",
        version=f'W/"{group.version}"',
    )
    return shown


async def find(session: AsyncSession, kind: str, resource_id: str) -> Any:
    """A user or a group. Raises `NoSuchEntry`."""
    model_of(kind)
    if kind == "Users":
        return _as_user(await stored.find_user(session, id_of(resource_id)))
    return _as_group(await stored.find_group(session, id_of(resource_id)))


async def find_to_change(session: AsyncSession, kind: str, resource_id: str, if_match: str | None) -> Any:
    """A user or a group as it is, which nobody else changes until this transaction ends.

    What is made from an older reading would undo what happened meanwhile, such as a departure that HR told.

    Raises:
        NoSuchEntry
        PreconditionFailed: it is another version than the one that is to be changed.
    """
    model_of(kind)
    if kind == "Users":
        before = _as_user(await directory.lock_user(session, id_of(resource_id)))
    else:
        before = _as_group(await stored.find_group(session, id_of(resource_id), lock=True))
    if if_match is not None and if_match.strip() not in ("*", before.meta.version):
        raise PreconditionFailed("This was changed since you saw it. Read it again.")
    return before


def _as_user(found: tuple[Person, DirectoryUser | None] | None) -> Any:
    if found is None:
        raise NoSuchEntry
    return user_of(*found)


def _as_group(found: DirectoryGroup | None) -> Any:
    if found is None:
        raise NoSuchEntry
    return group_of(found)


async def create(session: AsyncSession, kind: str, resource: Any, *, at: Any) -> Any:
    """Keep a new user or group; the answer is it as kept."""
    if kind == "Users":
        return await find(session, kind, str(await directory.create_user(session, told_by(resource), at=at)))
    return group_of(await directory.create_group(session, **_group_fields(resource), at=at))


async def change(session: AsyncSession, kind: str, resource_id: str, resource: Any, *, at: Any) -> Any:
    """Let a user or a group be as told; the answer is it as kept."""
    if kind == "Users":
        await directory.change_user(session, id_of(resource_id), told_by(resource), at=at)
        return await find(session, kind, resource_id)
    return group_of(await directory.change_group(session, id_of(resource_id), **_group_fields(resource), at=at))


async def remove(session: AsyncSession, kind: str, resource_id: str, before: Any, *, at: Any) -> None:
    """Remove a user (who departs) or a group."""
    if kind == "Users":
        await directory.remove_user(session, id_of(resource_id), told_by(before), at=at)
    else:
        await directory.remove_group(session, id_of(resource_id))


def _group_fields(group: Any) -> dict[str, Any]:
    document = group.model_dump(exclude={"meta", "id"}, mode="json")
    return {"document": document, "display_name": group.display_name, "external_id": group.external_id}


async def document_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises SCIM's syntax error."""
    try:
        document = json.loads(await request.body())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "\\u0000" in json.dumps(document):
        raise InvalidSyntaxException(detail="Send a JSON object, without NUL characters.")
    return document


def _shown(resource: Any, context: Context, request: Request, *, status: int = 200) -> Response:
    wanted = _bound(SearchRequest, type(resource)).model_validate(
        {name: value for name, value in request.query_params.items() if name in ("attributes", "excludedAttributes")}
    )
    headers = {"ETag": resource.meta.version, "Location": resource.meta.location}
    return answer(resource.model_dump(scim_ctx=context, response_parameters=wanted), status=status, headers=headers)


@router.post("/.search")
async def search_everything(request: Request, caller: DirectoryCaller, session: Transaction) -> Response:
    """Find users and groups in one question."""
    del caller
    either = UserModel | Group
    wanted = _bound(SearchRequest, either).model_validate(await document_of(request))
    offset = max(0, (wanted.start_index or 1) - 1)
    count = MOST_RESULTS if wanted.count is None else min(wanted.count, MOST_RESULTS)
    fitting: list[Any] = []
    for kind in MODELS:
        if await _count(session, kind, []) > MOST_LOOKED_THROUGH:
            raise TooManyToLookThrough(MOST_LOOKED_THROUGH)
        fitting += await _fitting(session, kind, [], wanted)
    found = await asyncio.to_thread(wanted.sort, fitting) if wanted.sort_by else fitting
    return _page(either, wanted, found[offset : offset + count], total=len(fitting), offset=offset)


@router.post("/{kind}", status_code=201)
async def create_resource(
    kind: str, request: Request, caller: DirectoryCaller, now: Now, session: Transaction
) -> Response:
    """Create a user or a group."""
    del caller
    model = model_of(kind)
    document = with_manager_address(await document_of(request))
    resource = model.model_validate(document, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    made = await create(session, kind, resource, at=now)
    return _shown(made, Context.RESOURCE_CREATION_RESPONSE, request, status=201)


@router.get("/{kind}")
async def list_resources(kind: str, request: Request, caller: DirectoryCaller, session: Transaction) -> Response:
    """Find users or groups by a filter, sorted, page by page."""
    del caller
    return await _listed(session, kind, dict(request.query_params))


@router.post("/{kind}/.search")
async def search_resources(kind: str, request: Request, caller: DirectoryCaller, session: Transaction) -> Response:
    """The same with the question in the body, where it is too long or too private for an address."""
    del caller
    return await _listed(session, kind, await document_of(request))


async def _listed(session: AsyncSession, kind: str, question: dict[str, Any]) -> Response:
    model = model_of(kind)
    wanted = _bound(SearchRequest, model).model_validate(question)
    offset = max(0, (wanted.start_index or 1) - 1)
    count = MOST_RESULTS if wanted.count is None else min(wanted.count, MOST_RESULTS)
    sought, is_all = _in_database(kind, wanted)
    if is_all and wanted.sort_by is None:
        total = await _count(session, kind, sought)
        page = await _some(session, kind, sought, offset=offset, limit=count)
    else:
        if await _count(session, kind, sought) > MOST_LOOKED_THROUGH:
            raise TooManyToLookThrough(MOST_LOOKED_THROUGH)
        fitting = await _fitting(session, kind, sought, wanted)
        total = len(fitting)
        found = await asyncio.to_thread(wanted.sort, fitting) if wanted.sort_by else fitting
        page = found[offset : offset + count]
    return _page(model, wanted, page, total=total, offset=offset)


def _page(model: Any, wanted: Any, found: list[Any], *, total: int, offset: int) -> Response:
    listed = _bound(ListResponse, model)(
        total_results=total, start_index=offset + 1, items_per_page=len(found), resources=found
    )
    return answer(listed.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted))


def _in_database(kind: str, wanted: Any) -> tuple[list[Sought], bool]:
    """What the database can look for of all whom the filter lets through; and whether that is the whole filter."""
    if wanted.filter is None:
        return [], True
    node = wanted.filter.ast
    terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
    values = [_value_in_database(kind, term) for term in terms]
    times = [_time_in_database(term) for term in terms]
    return [one for one in (*values, *times) if one is not None], None not in values


def _value_in_database(kind: str, node: Any) -> Sought | None:
    if not isinstance(node, Comparison) or node.op.value != "eq":
        return None
    attribute = _attribute(node)
    if kind == "Users" and attribute == "active" and isinstance(node.value, bool):
        return Sought("active", node.value)
    if attribute in _QUICK[kind] and isinstance(node.value, str) and node.value.isprintable():
        return Sought(_QUICK[kind][attribute], node.value)
    return None


def _time_in_database(node: Any) -> Sought | None:
    if not isinstance(node, Comparison) or _attribute(node) != "meta.lastmodified":
        return None
    attribute = _TIMES.get(node.op.value)
    try:
        at = datetime.fromisoformat(str(node.value))
    except ValueError:
        return None
    return None if attribute is None or at.tzinfo is None else Sought(attribute, at)


def _attribute(node: Comparison) -> str:
    """An attribute's name without its schema; capitals do not matter in SCIM."""
    return str(node.attr_path).rpartition(":")[2].lower()


async def _count(session: AsyncSession, kind: str, sought: Sequence[Sought]) -> int:
    counted = stored.count_users if kind == "Users" else stored.count_groups
    return await counted(session, sought)


async def _rows(
    session: AsyncSession, kind: str, sought: Sequence[Sought], *, offset: int, limit: int
) -> Sequence[tuple[Any, ...]]:
    if kind == "Users":
        return await stored.users(session, sought, offset=offset, limit=limit)
    return [(group,) for group in await stored.groups(session, sought, offset=offset, limit=limit)]


async def _some(session: AsyncSession, kind: str, sought: Sequence[Sought], *, offset: int, limit: int) -> list[Any]:
    rows = await _rows(session, kind, sought, offset=offset, limit=limit)
    return [_model(kind, row) for row in rows]


async def _fitting(session: AsyncSession, kind: str, sought: Sequence[Sought], wanted: Any) -> list[Any]:
    """Every entry that the filter lets through; other requests are served meanwhile."""
    rows = await _rows(session, kind, sought, offset=0, limit=MOST_LOOKED_THROUGH)

    def look_through() -> list[Any]:
        every = (_model(kind, row) for row in rows)
        return [one for one in every if wanted.filter is None or wanted.filter.match(one)]

    return await asyncio.to_thread(look_through)


def _model(kind: str, row: Sequence[Any]) -> Any:
    return user_of(*row) if kind == "Users" else group_of(*row)


@router.get("/{kind}/{resource_id}")
async def show_resource(
    kind: str,
    resource_id: str,
    request: Request,
    caller: DirectoryCaller,
    session: Transaction,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A user or a group; 304 where the caller has this version already."""
    del caller
    found = await find(session, kind, resource_id)
    if if_none_match is not None and if_none_match.strip() == found.meta.version:
        return Response(status_code=304, headers={"ETag": found.meta.version})
    return _shown(found, Context.RESOURCE_QUERY_RESPONSE, request)


@router.put("/{kind}/{resource_id}")
async def replace_resource(
    kind: str,
    resource_id: str,
    request: Request,
    caller: DirectoryCaller,
    now: Now,
    session: Transaction,
    if_match: IfMatch = None,
) -> Response:
    """Replace a user or a group."""
    del caller
    document = with_manager_address(await document_of(request))
    before = await find_to_change(session, kind, resource_id, if_match)
    resource = model_of(kind).model_validate(document, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    resource.replace(before)
    changed = await change(session, kind, resource_id, resource, at=now)
    return _shown(changed, Context.RESOURCE_REPLACEMENT_RESPONSE, request)


@router.patch("/{kind}/{resource_id}")
async def patch_resource(
    kind: str,
    resource_id: str,
    request: Request,
    caller: DirectoryCaller,
    now: Now,
    session: Transaction,
    if_match: IfMatch = None,
) -> Response:
    """Change parts of a user or a group; `active: false` is a departure."""
    del caller
    document = await document_of(request)
    before = await find_to_change(session, kind, resource_id, if_match)
    changed = await patch(session, kind, resource_id, before, document, at=now)
    return _shown(changed, Context.RESOURCE_PATCH_RESPONSE, request)


async def patch(
    session: AsyncSession, kind: str, resource_id: str, before: Any, document: dict[str, Any], *, at: Any
) -> Any:
    """Apply a patch to a user or a group; the answer is it as kept."""
    operations = _bound(PatchOp, model_of(kind)).model_validate(document, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    operations.patch(before)
    return await change(session, kind, resource_id, before, at=at)


@router.delete("/{kind}/{resource_id}", status_code=204)
async def remove_resource(
    kind: str, resource_id: str, caller: DirectoryCaller, now: Now, session: Transaction, if_match: IfMatch = None
) -> Response:
    """Remove a user, who thereby departed, or a group."""
    del caller
    before = await find_to_change(session, kind, resource_id, if_match)
    await remove(session, kind, resource_id, before, at=now)
    return Response(status_code=204)
