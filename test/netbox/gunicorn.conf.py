"""gunicorn's configuration for the end-to-end tests."""

# NetBox is loaded once and forked, which halves the start on two cores.
preload_app = True
workers = 3
threads = 3
# The plugin's own requests to its backend may take long.
timeout = 600
control_socket_disable = True


def pre_fork(server, worker):
    """Close what loading NetBox opened: two processes cannot share it."""
    from django.db import connections

    connections.close_all()
