"""The only place that builds things: settings → stores → services → routes and workers."""
