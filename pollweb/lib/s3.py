"""The client of an S3-compatible server, as everybody here uses it. It retries by itself once."""

from functools import lru_cache
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from storages.backends.s3 import S3Storage

CONNECT_SECONDS, READ_SECONDS = 2, 15


def storage(options: dict[str, Any]) -> Any:
    """The bucket of these options (pollweb.config.bucket), the same client for all who ask in this process."""
    return _storage(*options.items())


@lru_cache(maxsize=4)
def _storage(*options: tuple[str, Any]) -> Any:
    named = dict(options)
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
        max_pool_connections=64,
        s3={"addressing_style": "path" if named.get("endpoint_url") else "auto"},
        # Servers that are not Amazon's know neither the newer checksums nor the trailers that carry them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return S3Storage(
        **named,
        client_config=config,
        default_acl=None,
        file_overwrite=True,
        transfer_config=TransferConfig(use_threads=False),  # whoever asks has a thread of their own
        object_parameters={"ContentType": "application/octet-stream"},
    )
