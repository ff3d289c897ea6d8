"""The server's own gunicorn settings on a host of another name: ``HOST_NAME``. Two of them are two hosts."""

import os
import socket

from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module

socket.gethostname = lambda: os.environ["HOST_NAME"]
