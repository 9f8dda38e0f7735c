"""Invoke mode as a platform meets it: a process, a port, cases in a row.

Most tests drive the server with a stand-in for models and cases, which waits for a word on standard input
before the models count as loaded and before each case ends; the last ones are process.py itself.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from bundle_factory import ORGANS, make_bundle
from synthetic_head import head_ct

from hnseg_infer.formats import write
from hnseg_infer.grand_challenge import main, read_settings, run_case
from hnseg_infer.installed import installed_bundles

ROOT = Path(__file__).parents[1]

PATIENCE = 300
"""Seconds after which a server that hangs fails its test."""

STAND_IN = """
import hashlib, os, select
from hnseg_infer import invoke_server
from hnseg_infer.early_port import open_port
from hnseg_infer.errors import BundleError, InputError

invoke_server.PATIENCE = 0.1

def read_word():
    # in short waits: nothing would wake a long one for a signal that came just before it
    letters = b""
    while not letters.endswith(b"\\n"):
        if select.select([0], [], [], 0.1)[0]:
            letters += os.read(0, 1)
    return letters.decode().strip()

def load():
    if read_word() == "damaged":
        raise BundleError("The weights are damaged.")
    return case

def case():
    print("A case began.", flush=True)
    word = read_word()
    if word == "bad":
        raise InputError("ct.mha is a text file.")
    if word == "long":
        # in a library that no signal interrupts
        hashlib.pbkdf2_hmac("sha256", b"", b"", (1 << 31) - 1)
    if word == "bug":
        raise ValueError("two\\nlines")
    return f"Wrote {word}."

try:
    invoke_server.serve(load, open_port("127.0.0.1", 0))
except BundleError as error:
    raise SystemExit(str(error))
"""


class Server:
    """A server's process and its port."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.port = int(self.line().rstrip(".").rpartition(":")[2])

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def ask(self, method: str, path: str, body: str | None = None) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body)
        return connection

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        return answer(self.ask(method, path, body))

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, and what was printed since; not through communicate, which would close the input."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return self.process.wait(PATIENCE), self.process.stdout.read(), self.process.stderr.read()


def answer(connection: HTTPConnection) -> tuple[int, str]:
    response = connection.getresponse()
    return response.status, response.read().decode().strip()


@contextmanager
def started(*command: str) -> Iterator[Server]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


@pytest.fixture
def server() -> Iterator[Server]:
    with started("-c", STAND_IN) as stand_in:
        yield stand_in


@pytest.fixture
def caller() -> Iterator[ThreadPoolExecutor]:
    """For calls that wait while the test goes on."""
    with ThreadPoolExecutor() as threads:
        yield threads


def test_health_before_and_after_loading_and_during_a_case(caller, server):
    early = caller.submit(server.call, "GET", "/health")
    case = caller.submit(server.call, "POST", "/invoke")
    assert server.call("GET", "/")[0] == 404
    assert not early.done()
    server.say("loaded")
    assert early.result() == (200, "The models are loaded.")
    assert server.line() == "A case began."
    assert server.call("GET", "/health")[0] == 200
    server.say("one")
    assert case.result() == (201, "Wrote one.")
    assert server.call("GET", "/health?from=probe")[0] == 200


def test_models_that_cannot_be_loaded_are_answered_before_it_ends(server):
    early = server.ask("GET", "/health")
    # connections are taken in their order
    assert server.call("GET", "/")[0] == 404
    server.say("damaged")
    assert answer(early) == (503, "The weights are damaged.")
    assert server.process.wait(PATIENCE) == 1


def test_a_second_case_waits_for_the_first(caller, server):
    server.say("loaded")
    cases = [caller.submit(server.call, "POST", "/invoke") for _ in range(2)]
    assert server.line() == "A case began."
    server.say("one")
    # it would be a beginning were two cases running
    assert server.line() == "Wrote one."
    assert server.line() == "A case began."
    server.say("two")
    assert sorted(case.result() for case in cases) == [(201, "Wrote one."), (201, "Wrote two.")]


def test_the_server_outlives_failed_cases(server):
    server.say("loaded\nbad\nbug\nfine")
    assert server.call("POST", "/invoke") == (422, "ct.mha is a text file.")
    status, text = server.call("POST", "/invoke", "a body that nobody reads" * 1000)
    assert (status, text.splitlines()) == (500, [text])
    assert "ValueError: two lines" in text
    assert server.call("POST", "/invoke") == (201, "Wrote fine.")
    code, _, errors = server.end()
    assert code == 0
    first, second, *others, last = errors.splitlines()
    assert (first, second) == ("ct.mha is a text file.", "Traceback (most recent call last):")
    assert last == text
    # of the one traceback alone: no line per request
    assert not any("HTTP" in line for line in others)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/invoke/", 404),
        ("BREW", "/pot", 404),
        ("GET", "/invoke", 405),
        ("HEAD", "/health", 405),
        ("POST", "/health", 405),
        ("BREW", "/invoke", 405),
    ],
)
def test_other_paths_and_methods(server, method, path, status):
    assert server.call(method, path)[0] == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_while_loading_and_while_idle(server, number):
    assert server.end(number) == (0, "", "")
    with started("-c", STAND_IN) as idle:
        idle.say("loaded\none")
        assert idle.call("POST", "/invoke")[0] == 201
        assert idle.end(number)[::2] == (0, "")


def test_a_signal_ends_it_though_a_library_is_busy(server):
    server.say("loaded\nlong")
    server.ask("POST", "/invoke")
    assert server.line() == "A case began."
    assert server.end() == (0, "", "")


def test_a_signal_ends_it_during_a_case(caller, server):
    def hung_up() -> bool:
        with suppress(ConnectionError, HTTPException):
            server.call("POST", "/invoke")
            return False
        return True

    server.say("loaded")
    case = caller.submit(hung_up)
    assert server.line() == "A case began."
    assert server.end() == (0, "", "")
    assert case.result()


def test_settings(monkeypatch):
    assert not read_settings([]).serve
    served = read_settings(["--device", "cpu", "serve"])
    assert (served.serve, served.host, served.port) == (True, "0.0.0.0", 4743)
    monkeypatch.setenv("HNSEG_PORT", "8080")
    assert read_settings(["serve"]).port == 8080
    assert read_settings(["serve", "--port", "1234"]).port == 1234
    monkeypatch.setenv("HNSEG_PORT", "http")
    with pytest.raises(SystemExit):
        read_settings(["serve"])


def test_a_port_in_use_is_said_plainly(server, monkeypatch, capsys):
    monkeypatch.setattr("hnseg_infer.grand_challenge.limit_threads", lambda: None)
    assert main(["serve", "--host", "127.0.0.1", "--port", str(server.port)]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert str(server.port) in error


def process_arguments(source: Path, output: Path, model: Path) -> list[str]:
    folders = ["--input", str(source), "--output", str(output), "--model", str(model)]
    return [*folders, "--device", "cpu", "--host", "127.0.0.1", "--port", "0"]


@pytest.mark.slow
def test_cases_in_a_row_give_the_masks_of_exec_mode(tmp_path):
    source, output, bundle = tmp_path / "in", tmp_path / "out", make_bundle(tmp_path / "bundle")
    source.mkdir()
    output.mkdir()
    arguments = process_arguments(source, output, bundle)
    in_exec_mode = {}
    for seed in (1, 2):
        write(head_ct(seed), source / "ct.mha")
        settings = read_settings(process_arguments(source, tmp_path / "exec", bundle))
        in_exec_mode[seed] = run_case(settings)[0].read_bytes()
    mask, results = output / "images" / "head_neck_oar" / "ct.mha", output / "results.json"
    with started("process.py", "serve", *arguments) as server:
        assert server.call("GET", "/health")[0] == 200
        for seed in (1, 2, None, 1):
            if seed is None:
                (source / "ct.mha").write_text("not an image\n")
                status, text = server.call("POST", "/invoke")
                assert status == 422
                assert "ct.mha" in text
                assert list(output.iterdir()) == []
                continue
            write(head_ct(seed), source / "ct.mha")
            assert server.call("POST", "/invoke") == (201, f"Wrote {mask} and {results}.")
            lines = iter(server.line, f"Wrote {mask} and {results}.")
            table = {tuple(line.split()[:2]) for line in lines}
            assert table >= {(str(number), name) for name, number in ORGANS.items()}
            assert results.is_file()
            assert mask.read_bytes() == in_exec_mode[seed]
            # as the platform does between cases
            results.unlink()
            mask.unlink()
            mask.parent.rmdir()
            mask.parent.parent.rmdir()
        assert server.call("GET", "/health")[0] == 200
        code, _, errors = server.end()
        assert code == 0
        assert [line for line in errors.splitlines() if "ct.mha" in line] == [text]
        assert "Traceback" not in errors


def test_a_bundle_that_cannot_be_loaded_ends_it(tmp_path):
    arguments = process_arguments(tmp_path, tmp_path, tmp_path / "nowhere")
    with started("process.py", "serve", *arguments) as server:
        assert server.process.wait(PATIENCE) == 1
        assert server.process.stderr is not None
        assert server.process.stderr.read().splitlines() == [
            f"The model bundle {tmp_path / 'nowhere'} is not a folder; accepted is a folder "
            f"with bundle.json, or {', '.join(installed_bundles())}."
        ]
