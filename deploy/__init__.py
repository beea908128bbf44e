"""Slipway in containers: what `docker-compose.yml` needs before its first `up`.

The command is `python -m deploy.prepare`; it runs on the engine's host and needs the
standard library and pip only.
"""
