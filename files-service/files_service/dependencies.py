"""What a route of files may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from chassis.identity import Principal
from chassis.policies import Service, User
from files_service.collection import Collection
from files_service.uploads import Uploads


async def _collection(request: Request) -> Collection:
    collection: Collection = request.app.state.collection
    return collection


async def _uploads(request: Request) -> Uploads:
    uploads: Uploads = request.app.state.uploads
    return uploads


CollectionOfFiles = Annotated[Collection, Depends(_collection)]
UploadsOfFiles = Annotated[Uploads, Depends(_uploads)]
FilesReader = Annotated[Principal, Depends(User("files:read"))]
FilesWriter = Annotated[Principal, Depends(User("files:write"))]
Chat = Annotated[str, Depends(Service(("chat",)))]
