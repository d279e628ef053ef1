"""Objects in the vendor's shape, those among them whose ids are only reserved."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tams.api.bodies import json_response, no_content, read_body
from tams.api.deps import WhoDep
from tams.api.extension_deps import ExtensionServicesDep
from tams.dialects.vast.manner import MannerDep
from tams.domain.batches import MAX_OBJECTS
from tams.domain.objects import ReservedObject
from tams.wire.batches import parse_batch
from tams.wire.technical import read_object
from tams.wire.vast import object_fields, reserved_fields
from tams.wire.vendor_objects import vendor_object

router = APIRouter()
creation = APIRouter()

_OBJECT = "/objects/{object_id:text}"


@router.get(_OBJECT)
async def get_object(object_id: str, services: ExtensionServicesDep) -> Response:
    """An Object, with where Flows refer to it."""
    shown = await services.referenced_objects.get(object_id)
    if isinstance(shown, ReservedObject):
        return json_response(json.dumps(reserved_fields(shown)).encode())
    references = [(each.flow_id, str(each.timerange)) for each in shown.references]
    return json_response(json.dumps(object_fields(shown.object, references)).encode())


@creation.post("/objects")
async def reserve_object(request: Request, services: ExtensionServicesDep, who: WhoDep) -> Response:
    """Reserve the id of an Object to come."""
    new = vendor_object(read_object(await read_body(request)))
    [reserved] = await services.direct_creation.reserve_objects(who, [new])
    return json_response(json.dumps(reserved_fields(reserved)).encode(), 201)


@creation.post("/objects/batch")
async def reserve_objects(
    request: Request, services: ExtensionServicesDep, who: WhoDep
) -> Response:
    """Reserve ids of Objects to come, all or none."""
    new = parse_batch(await read_body(request), vendor_object, MAX_OBJECTS)
    reserved = await services.direct_creation.reserve_objects(who, new, is_batch=True)
    return json_response(json.dumps([reserved_fields(one) for one in reserved]).encode(), 201)


@router.delete(_OBJECT)
async def delete_object(
    object_id: str, services: ExtensionServicesDep, who: WhoDep, asked: MannerDep
) -> Response:
    """Delete an Object that no Segment refers to, so that it can be taken back."""
    await services.soft_deletion.delete_object(who, object_id, asked)
    return no_content()
