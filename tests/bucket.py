"""An S3-compatible server (moto's) with an empty bucket `results`, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pollweb import config
from tests.site import free_port

KEYS = {"key": "a-key", "secret": "a-secret"}


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[str]:
    """Yields its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(host, free_port(), verbose=False)
    server.start()
    address = f"http://{host}:{server.get_host_and_port()[1]}"
    keys = {"aws_access_key_id": KEYS["key"], "aws_secret_access_key": KEYS["secret"], "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=address, **keys).create_bucket(Bucket="results")
    try:
        yield address
    finally:
        server.stop()


def under(prefix: str, address: str) -> dict[str, Any] | None:
    """What MEDIA_BUCKET is for this prefix of the bucket."""
    return config.bucket(f"s3://results/{prefix}?endpoint={address}", **KEYS)
