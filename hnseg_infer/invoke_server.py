"""Grand Challenge's invoke mode: an HTTP server whose models are loaded once, for any number of cases.

    GET /health     200, as soon as the models are loaded; 503 when they cannot be
    POST /invoke    runs the case that lies in the input folder: 201 when the output is complete,
                    422 when the CT cannot be used, 500 for any other failure; the body is one sentence

The main thread loads the models and runs the cases, one after the other, so that the libraries' thread pools
and buffers are made once and a signal ends a case where it is. Other threads only hold connections: they
answer ``/health`` during a case, and a second ``/invoke`` waits for the first. ``/health`` waits for the
models, too: the platform's client calls again at once when its own patience of 10 s ends, but only after
another 10 s when it is answered 503.
"""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from socket import socket
from threading import Thread, current_thread
from time import sleep
from typing import Any
from urllib.parse import urlsplit

from hnseg_infer.errors import InputError, print_error, sentence

METHODS = {"/health": "GET", "/invoke": "POST"}

Case = Callable[[], str]
"""Runs the case that now lies in the input folder and says in one sentence what was written."""

Answer = tuple[HTTPStatus, str]

WAKE_UP = 1.0
"""Most seconds that the main thread waits for a case at a time: a signal that comes just before a wait does
not end it, and Python handles it afterwards."""

PATIENCE = 3.0
"""Seconds after a signal in which a case may end by itself; the platform kills what lives after 5."""


def serve(load: Callable[[], Case], port: socket) -> None:
    """Serve cases until SIGTERM or SIGINT ends the process with exit code 0; for the main thread only.

    load: prepares the models. port: listens already, and is closed in the end. A case that runs when the
    signal comes is abandoned. Raises what ``load`` raises.
    """
    server = _Server(port)

    def end(*_signal: object) -> None:
        if not server.loaded.done():
            # nothing to clean up yet, and a library may turn an exception into one of its own
            os._exit(0)
        sys.exit(0)

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, end)
    _end_at_the_latest()
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        host, number = port.getsockname()
        print(f"Listening on http://{host}:{number}.", flush=True)
        try:
            case = _loaded(load, server)
            while True:
                with suppress(Empty):
                    server.cases.get(timeout=WAKE_UP).set_result(_run(case))
        finally:
            server.shutdown()


def _loaded(load: Callable[[], Case], server: "_Server") -> Case:
    try:
        case = load()
    except Exception as error:
        # callers of /health are told before the process ends
        server.loaded.set_exception(error)
        for caller in server.waiting:
            caller.join(WAKE_UP)
        raise
    server.loaded.set_result(None)
    return case


def _end_at_the_latest() -> None:
    """Let a signal end the process, if late, though the main thread is in a library that computes for long.

    Python runs signal handlers when the main thread is back; what the system writes to a pipe comes at once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)

    def watch() -> None:
        os.read(reader, 1)
        sleep(PATIENCE)
        os._exit(0)

    Thread(target=watch, daemon=True).start()


def _run(case: Case) -> Answer:
    """The case's answer, said on standard output or error too."""
    try:
        text = case()
    except Exception as error:
        # one case that goes wrong must not end the server
        print_error(error)
        bad_ct = isinstance(error, InputError)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if bad_ct else HTTPStatus.INTERNAL_SERVER_ERROR
        return status, sentence(error)
    print(text, flush=True)
    return HTTPStatus.CREATED, text


class _Server(ThreadingHTTPServer):
    """waiting: threads whose callers wait for the models."""

    def __init__(self, port: socket) -> None:
        self.loaded: Future[None] = Future()
        self.waiting: list[Thread] = []
        self.cases: SimpleQueue[Future[Answer]] = SimpleQueue()
        super().__init__(port.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = port


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        # the library looks for do_<method> and would answer 501 where there is none
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        if path not in METHODS:
            status, text = HTTPStatus.NOT_FOUND, f"There are {' and '.join(METHODS)} only."
        elif self.command != METHODS[path]:
            status, text = HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {METHODS[path]} only."
        elif path == "/invoke":
            status, text = self._invoke()
        else:
            status, text = self._health()
        self._send(status, text)

    def _health(self) -> Answer:
        if not self.server.loaded.done():
            self.server.waiting.append(current_thread())
        error = self.server.loaded.exception()
        if isinstance(error, Exception):
            return HTTPStatus.SERVICE_UNAVAILABLE, sentence(error)
        return HTTPStatus.OK, "The models are loaded."

    def _invoke(self) -> Answer:
        # a body means nothing here, but left unread it would break the connection before the answer is read
        length = self.headers.get("Content-Length", "")
        self.rfile.read(int(length) if length.isdecimal() else 0)
        answer: Future[Answer] = Future()
        self.server.cases.put(answer)
        return answer.result()

    def _send(self, status: HTTPStatus, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", METHODS[urlsplit(self.path).path])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self) -> None:
        # a caller that hung up is no failure of the server
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: each case is said once, by the thread that runs it."""
