"""NetBox's configuration for the end-to-end tests.

Everything that differs between two runs comes from the environment. The
secrets protect nothing: the servers listen on 127.0.0.1 and are thrown away.
"""

import os

ALLOWED_HOSTS = ["*"]

DATABASES = {
    "default": {
        "NAME": os.environ["LAB_DATABASE"],
        "USER": "netbox",
        "PASSWORD": "",
        "HOST": "127.0.0.1",
        "PORT": int(os.environ["LAB_POSTGRES_PORT"]),
        "CONN_MAX_AGE": 300,
        # A test that puts the database back drops it under our feet: look
        # before a connection is used again.
        "CONN_HEALTH_CHECKS": True,
    }
}


def _redis(database):
    return {
        "HOST": "127.0.0.1",
        "PORT": int(os.environ["LAB_REDIS_PORT"]),
        "USERNAME": "",
        "PASSWORD": "",
        "DATABASE": database,
        "SSL": False,
    }


REDIS = {"tasks": _redis(0), "caching": _redis(1)}

SECRET_KEY = "proxbox-tests-only-proxbox-tests-only-proxbox-tests"
API_TOKEN_PEPPERS = {1: "proxbox-tests-only-proxbox-tests-only-proxbox-tests"}

PLUGINS = ["netbox_proxbox"]

# Nothing far away is asked.
RELEASE_CHECK_URL = None
CENSUS_REPORTING_ENABLED = False
ISOLATED_DEPLOYMENT = True

# PROTECTION_RULES, CUSTOM_VALIDATORS and the like stay at their defaults: a
# test that needs one sets it in the database.

# What goes wrong inside NetBox goes to its log, which a failed test prints.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
