"""What is between a browser and the service, and answers in its place when it is ill: an HTTP proxy."""

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

HOST = "127.0.0.1"
# Status, headers and body.
Answer = tuple[int, list[tuple[str, str]], bytes]
_OF_CONNECTION = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te"}


class BadNetwork:
    """A proxy on a port of its own; well at first. A context manager."""

    def __init__(self) -> None:
        self._answer: Answer | None = None
        self._under = ""
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self.flags = (
            f"--proxy-server=http://{HOST}:{self._server.server_port}",
            "--proxy-bypass-list=<-loopback>",  # also for this machine
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> "BadNetwork":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answers(self, status: int, text: str, *, under: str = "/", retry_after_s: int | None = None) -> None:
        """From now on it is what answers, in HTML. under: the paths that begin so."""
        headers = [("Content-Type", "text/html")]
        if retry_after_s is not None:
            headers.append(("Retry-After", str(retry_after_s)))
        self._answer, self._under = (status, headers, text.encode()), under

    def recovers(self) -> None:
        """From now on the service is what answers."""
        self._answer = None

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """What the browser gets: mostly what the service says."""
        to = urlsplit(url)
        if self._answer and to.path.startswith(self._under):
            return self._answer
        with contextlib.closing(http.client.HTTPConnection(to.hostname or HOST, to.port or 80)) as connection:
            sent = {name: value for name, value in headers.items() if name.lower() not in _OF_CONNECTION}
            connection.request(method, to._replace(scheme="", netloc="").geturl(), body, sent)
            got = connection.getresponse()
            return got.status, got.getheaders(), got.read()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        network = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._say(*network.answer(self.command, self.path, dict(self.headers.items()), body))

            def do_POST(self) -> None:
                self.do_GET()

            def do_PATCH(self) -> None:
                self.do_GET()

            def do_DELETE(self) -> None:
                self.do_GET()

            def _say(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in {*_OF_CONNECTION, "content-length"}:
                        self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        return Handler
