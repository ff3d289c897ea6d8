"""gunicorn's settings for ``bench.bare``: its defaults, one worker, on the loopback."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
worker_class = os.environ["BARE_WORKER"]
workers = 1
threads = int(os.environ["BARE_THREADS"])  # gthread: a call holds one
control_socket_disable = True
