"""The models on offer."""

from fastapi import APIRouter, Depends

from chassis.policies import User
from chat_service.dependencies import CatalogueHere
from chat_service.schemas.models import ModelEntry, ModelList

router = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(User("chat:read"))])


@router.get("", operation_id="list_models")
async def list_models(catalogue: CatalogueHere) -> ModelList:
    """Every name that `model` takes."""
    return ModelList(data=await catalogue.offered())


@router.get("/{model_id:path}", operation_id="retrieve_model")
async def retrieve_model(model_id: str, catalogue: CatalogueHere) -> ModelEntry:
    """One of them; the name may hold slashes."""
    return await catalogue.find(model_id)
