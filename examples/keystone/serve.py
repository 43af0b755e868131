"""Keystone's API in one process with 16 threads, as a small site runs it."""

import sys

from waitress import serve

port = int(sys.argv[1])
# Keystone reads the arguments of whatever program it is loaded into.
sys.argv = ["keystone"]

from keystone.wsgi.api import application  # noqa: E402

serve(application, host="127.0.0.1", port=port, threads=16)
