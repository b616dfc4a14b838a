"""Files as answers of the site lane."""

import asyncio
from collections.abc import AsyncIterator

from django.http import FileResponse

BLOCK = 256 * 1024


class Download(FileResponse):
    """Read while it is sent: served by ASGI, Django's own reads all of the file into memory before the first byte."""

    block_size = BLOCK

    async def __aiter__(self) -> AsyncIterator[bytes]:
        file = self.file_to_stream
        while file is not None and (data := await asyncio.to_thread(file.read, BLOCK)):
            yield data
