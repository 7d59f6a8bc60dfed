"""The version of this client; deployments see it in the header `User-Agent`."""

__version__ = "0.1.0"
