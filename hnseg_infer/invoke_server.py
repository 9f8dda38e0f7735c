"""Grand Challenge's invoke mode: an HTTP server whose models are loaded once, for any number of cases.

    GET /health     200 once the models are loaded, 503 before
    POST /invoke    runs the case that lies in the input folder: 201 when the output is complete,
                    422 when the CT cannot be used, 500 for any other failure; the body is one sentence

The main thread loads the models and runs the cases, one after the other, so that the libraries' thread pools
and buffers are made once and a signal ends a case where it is. Other threads only hold connections: they
answer ``/health`` during a case, and a second ``/invoke`` waits for the first.
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
from socketserver import TCPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from hnseg_infer.errors import HNSegError, InputError, print_error, sentence

METHODS = {"/health": "GET", "/invoke": "POST"}

Case = Callable[[], str]
"""Runs the case that now lies in the input folder and says in one sentence what was written."""

Answer = tuple[HTTPStatus, str]

WAKE_UP = 1.0
"""Most seconds that the main thread waits for a case at a time: a signal that comes just before a wait does
not end it, and Python handles it afterwards."""


def serve(load: Callable[[], Case], host: str, port: int) -> None:
    """Serve cases until SIGTERM or SIGINT ends the process with exit code 0; for the main thread only.

    load: prepares the models, while the port is already open. A case that runs when the signal comes is
    abandoned. Raises what ``load`` raises, and HNSegError when the port cannot be opened.
    """
    try:
        server = _Server((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise HNSegError(f"The port {port} of {host} cannot be opened ({error}).") from error

    def end(*_signal: object) -> None:
        if not server.ready.is_set():
            # nothing to clean up yet, and a library may turn an exception into one of its own
            os._exit(0)
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        print(f"Listening on http://{host}:{server.server_address[1]}.", flush=True)
        try:
            case = load()
            server.ready.set()
            while True:
                with suppress(Empty):
                    server.cases.get(timeout=WAKE_UP).set_result(_run(case))
        finally:
            server.shutdown()


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
    def __init__(self, *arguments: Any) -> None:
        self.ready = Event()
        self.cases: SimpleQueue[Future[Answer]] = SimpleQueue()
        super().__init__(*arguments)

    def server_bind(self) -> None:
        # HTTPServer would ask the network for its own name, which may take long where there is none
        TCPServer.server_bind(self)


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
        elif self.server.ready.is_set():
            status, text = HTTPStatus.OK, "The models are loaded."
        else:
            status, text = HTTPStatus.SERVICE_UNAVAILABLE, "The models are being loaded."
        self._send(status, text)

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
