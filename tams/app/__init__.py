"""The only place that builds things: settings → stores → services → routes and workers."""

from tams.app.running import running

__all__ = ["running"]
