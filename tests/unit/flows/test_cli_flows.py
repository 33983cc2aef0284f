"""`kefu flows` over files, and over HTTP to a server of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from driving import SHIPPED
from typer.testing import CliRunner

from cli_flows import app
from schemas.errors import HostUnavailable, InvalidDefinition, InvalidRequest, KefuError

REFUND = SHIPPED / "refund.yaml"


class Kefu(ThreadingHTTPServer):
    """Answers as the flows API does; keeps what was put."""

    def __init__(self) -> None:
        self.flows = {"refund": REFUND.read_bytes()}
        self.asked: list[tuple[str, str, str | None]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Kefu

    def do_GET(self) -> None:
        self._note()
        name = self.path.partition("?")[0].rpartition("/")[2]
        if self.path == "/v1/flows":
            flow = {"id": "refund", "version": 3, "by": "wang", "recorded_at": "2026-05-03T12:00:00.000Z"}
            self._send(200, json.dumps({"flows": [flow]}).encode())
        elif name in self.server.flows:
            self._send(200, self.server.flows[name])
        else:
            self._send(404, b'{"detail": "no such flow", "code": "not_found", "title": "Not found"}')

    def do_PUT(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.flows[self.path.partition("?")[0].rpartition("/")[2]] = body
        told = {"version": 4, "changed": "invoice" in self.path, "warnings": ["tool x is not declared"]}
        self._send(200, json.dumps(told).encode())

    def _note(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers["X-Kefu-User"]))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def kefu() -> Iterator[Kefu]:
    with Kefu() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_show_draws_a_file_and_a_flow_of_a_running_kefu(kefu: Kefu) -> None:
    drawn = run("show", str(REFUND))
    assert drawn.startswith("stateDiagram-v2\n")
    assert run("show", "refund", "--url", kefu.url) == drawn
    run("show", "refund", "--url", kefu.url, "--version", "2")
    assert kefu.asked[-1] == ("GET", "/v1/flows/refund?version=2", "kefu flows")


def test_show_says_what_is_not_there(kefu: Kefu) -> None:
    with pytest.raises(InvalidRequest, match=r"no file nothing\.yaml"):
        run("show", "nothing.yaml")
    with pytest.raises(KefuError, match="no such flow"):
        run("show", "nothing", "--url", kefu.url)
    with pytest.raises(HostUnavailable, match="does not answer"):
        run("show", "refund", "--url", "http://127.0.0.1:1")


def test_check_says_all_that_is_wrong_and_exits_with_one(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(REFUND.read_text(encoding="utf-8").replace("to: done", "to: don"), encoding="utf-8")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"flow: x\ntitle: caf\xe9\n")
    result = CliRunner().invoke(app, ["check", str(REFUND), str(wrong), str(latin), str(tmp_path / "none.yaml")])
    assert result.exit_code == 1
    assert f"{REFUND}: flow refund is right" in result.output
    assert f"{wrong}:" in result.output and "there is no state 'don'; did you mean 'done'?" in result.output
    assert f"{latin}:2:1: this is not UTF-8" in result.output and "cannot be read" in result.output
    assert "is right" in run("check", *map(str, SHIPPED.glob("*.yaml")))


def test_push_puts_the_file_as_it_is_and_prints_the_version(kefu: Kefu) -> None:
    invoice = SHIPPED / "invoice.yaml"
    output = run("push", str(invoice), str(REFUND), "--url", kefu.url)
    assert "flow invoice is at version 4\n" in output and "flow refund is at version 4, as before" in output
    assert kefu.flows["invoice"] == invoice.read_bytes()
    assert [path for _, path, _ in kefu.asked] == ["/v1/flows/invoice", "/v1/flows/refund"]
    assert "would be changed" in run("push", str(invoice), "--url", kefu.url, "--dry-run")
    assert kefu.asked[-1][1] == "/v1/flows/invoice?dry_run=true"


def test_nothing_is_pushed_if_one_of_the_files_is_wrong(kefu: Kefu, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("flow: wrong\n")
    with pytest.raises(InvalidDefinition, match="needs 'start'"):
        run("push", str(REFUND), str(wrong), "--url", kefu.url)
    assert kefu.asked == []


def test_list_shows_versions(kefu: Kefu) -> None:
    output = run("list", "--url", kefu.url)
    assert "refund" in output and "3" in output and "2026-05-03 12:00:00" in output and "wang" in output
