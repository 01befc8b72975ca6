"""A small web server with range requests and scripted faults, and cards that point at it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from graphkit.data.cards import Card, CardFile, Source


class FileServer:
    """Serves `files` by path; `faults` maps a path to a list of one-shot faults: cut, 500, lie, redirect:URL."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.chunk_delay = 0.0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # a client that was killed is part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def put(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return f"{self.url}/{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        import time

        path = request.path.lstrip("/")
        byte_range = request.headers.get("Range", "")
        self.requests.append((path, byte_range))
        fault = self.faults[path].pop(0) if self.faults.get(path) else ""
        if fault.startswith("redirect:"):
            request.send_response(302)
            request.send_header("Location", fault.removeprefix("redirect:"))
            request.end_headers()
            return
        if fault.isdigit() or path not in self.files:
            request.send_error(int(fault or 404))
            return
        content = self.files[path]
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        start = 0
        if byte_range and request.headers.get("If-Range", etag) == etag:
            start = int(byte_range.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                request.send_error(416)
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("ETag", etag)
        request.end_headers()
        body = content[start:]
        request.close_connection = True
        if fault == "cut":
            body = body[: len(body) // 2]
        if fault == "lie":
            body = bytes(len(body))
        for at in range(0, len(body), 1 << 16):
            request.wfile.write(body[at : at + (1 << 16)])
            request.wfile.flush()
            time.sleep(self.chunk_delay)


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no mirror, and no waiting between retries."""
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    monkeypatch.setattr("graphkit.data.download.BACKOFF", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def make_card() -> Callable[..., Card]:
    """Builds a card of one file `edges.txt` from (content or digest, urls)."""

    def make(urls: list[str], content: bytes | None = None, name: str = "ring", **source: Any) -> Card:
        if content is not None:
            source |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        entry = CardFile("edges.txt", (Source(urls=tuple(urls), **source),))
        return Card(name=name, title="Ring", reader="ring", protocols=("random-60-20-20",), files=(entry,))

    return make
