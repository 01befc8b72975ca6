"""One file from one address: streamed to a resumable `.part`, hashed on the way, moved into place once it is whole.

Only verified TLS is spoken. An interrupted transfer leaves the `.part` and a note of the server's validator beside it;
the next attempt asks for the rest with Range and If-Range.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from graphkit.data.disk import cache_errors, check_space, sync_folder
from graphkit.errors import ChecksumError, DownloadError

Progress = Callable[[str, int, int], None]
"""Called with (file name, bytes so far, total bytes or 0 where unknown)."""

TIMEOUT = 60.0
RETRIES = 3
BACKOFF = 1.0
_CHUNK = 1 << 18
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Expected:
    """What is known about the bytes before they arrive; empty and 0 where unknown."""

    sha256: str = ""
    bytes: int = 0
    limit: int = 0
    """More than this many bytes are refused; 0 is no limit."""


class _Retry(Exception):
    """A failure that may pass: worth another attempt at the same address."""


class _PartTooLong(_Retry):
    """The partial file cannot be the beginning of the published one."""


def download(url: str, target: Path, expected: Expected, *, name: str = "", progress: Progress | None = None) -> str:
    """Fetches `url` to `target` and returns its sha256.

    Args:
        url: https, or file; http to this machine only.
        target: the final place; its folder is made where missing.
        expected: digest and size to hold the transfer to.
        name: what messages and `progress` call the file.
        progress: called as bytes arrive.

    Raises:
        DownloadError: no network, an error answer, or a transfer cut short after all retries.
        ChecksumError: the bytes are complete but wrong; the partial file is deleted.
        CacheError: the folder cannot be written or is full.

    Example:
        >>> len(download("https://example.org/edges.csv", Path("edges.csv"), Expected()))  # doctest: +SKIP
        64
    """
    name = name or target.name
    part = target.with_name(target.name + ".part")
    with cache_errors(target, expected.bytes):
        target.parent.mkdir(parents=True, exist_ok=True)
    problem = ""
    for attempt in range(RETRIES):
        if attempt:
            time.sleep(BACKOFF * 2 ** (attempt - 1))
        resumed = part.exists()
        try:
            digest = _transfer(url, part, expected, name, progress)
        except _Retry as error:
            problem = str(error)
            if isinstance(error, _PartTooLong):
                discard(part)
            continue
        if expected.sha256 and digest != expected.sha256:
            discard(part)
            if resumed:  # the old half may have been the bad one: once more from the start
                problem = "the resumed file had a wrong checksum"
                continue
            raise ChecksumError(
                f"{name} from {url} has sha256 {digest}, expected {expected.sha256}; "
                "the published file changed or was tampered with, and nothing was kept"
            )
        with cache_errors(target, expected.bytes):
            part.replace(target)
            _note(part).unlink(missing_ok=True)
            sync_folder(target.parent)
        return digest
    raise DownloadError(f"{url}: {problem}")


def read_url(url: str, limit: int = 64 << 20) -> bytes:
    """Returns a small file, a manifest or a card, under the same rules as `download`."""
    problem = ""
    for attempt in range(RETRIES):
        if attempt:
            time.sleep(BACKOFF * 2 ** (attempt - 1))
        try:
            with _opened(url, {}) as answer:
                content: bytes = answer.read(limit + 1)
        except _Retry as error:
            problem = str(error)
            continue
        if len(content) > limit:
            raise DownloadError(f"{url}: larger than {limit:,} bytes")
        return content
    raise DownloadError(f"{url}: {problem}")


def discard(part: Path) -> None:
    """Deletes a partial file and its note."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _transfer(url: str, part: Path, expected: Expected, name: str, progress: Progress | None) -> str:
    digest, done, headers = _resume_point(url, part, expected)
    if done and digest.hexdigest() == expected.sha256:  # interrupted between the last byte and the rename
        return expected.sha256
    with _opened(url, headers) as answer:
        if answer.status != 206:  # the server sends the whole file
            digest, done = hashlib.sha256(), 0
        elif _range_start(answer) != done:
            discard(part)
            raise _Retry("the server resumed at another place than asked")
        total = _total(answer, done) or expected.bytes
        if expected.limit and total > expected.limit:
            raise DownloadError(_too_large(url, expected.limit))
        check_space(part.parent, total - done, name)
        _write_note(part, url, answer)
        with cache_errors(part, total), part.open("ab" if done else "wb") as out:
            if progress:
                progress(name, done, total)
            for chunk in _chunks(answer):
                done += len(chunk)
                if expected.bytes and done > expected.bytes:
                    break
                if expected.limit and done > expected.limit:
                    raise DownloadError(_too_large(url, expected.limit))
                digest.update(chunk)
                out.write(chunk)
                if progress:
                    progress(name, done, total)
            out.flush()
            os.fsync(out.fileno())
    if expected.bytes and done > expected.bytes:
        discard(part)
        raise ChecksumError(
            f"{name} from {url} is longer than the {expected.bytes:,} bytes its card lists; nothing was kept"
        )
    if total and done < total:
        raise _Retry(f"the transfer was cut short: {done:,} of {total:,} bytes")
    return digest.hexdigest()


def _too_large(url: str, limit: int) -> str:
    return f"{url}: more than {limit:,} bytes; run `graphkit data download NAME --yes` to allow it"


def _resume_point(url: str, part: Path, expected: Expected) -> tuple[Any, int, dict[str, str]]:
    """Hashes what is there already. Without a digest to check the whole by, only the same answer may be continued."""
    digest = hashlib.sha256()
    with cache_errors(part):
        size = part.stat().st_size if part.exists() else 0
    note = _read_note(part)
    validator = note.get("validator", "") if note.get("url") == url else ""
    if not size or not (validator or expected.sha256) or not url.startswith("http"):
        return digest, 0, {}
    with part.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    headers = {"Range": f"bytes={size}-"}
    if validator:
        headers["If-Range"] = validator
    return digest, size, headers


@contextmanager
def _opened(url: str, headers: dict[str, str]) -> Iterator[Any]:
    check_url(url)
    request = urllib.request.Request(url, headers={"User-Agent": "graphkit", "Accept-Encoding": "identity", **headers})
    try:
        if url.startswith("file:"):
            with urllib.request.urlopen(request) as answer:
                yield answer
            return
        with _opener().open(request, timeout=TIMEOUT) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        if error.code == 416 and "Range" in headers:
            raise _PartTooLong("the partial file is longer than the published one") from error
        if error.code in _TRANSIENT:
            raise _Retry(f"the server answered {error.code} {error.reason}") from error
        raise DownloadError(f"{url}: the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{url}: the server's certificate is not valid: {error.reason}") from error
        if url.startswith("file:"):
            raise DownloadError(f"{url}: {error.reason}") from error
        raise _Retry(f"no connection: {error.reason}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _Retry(f"the connection broke: {error or type(error).__name__}") from error


def check_url(url: str) -> None:
    """Refuses anything but https and file addresses, and http to this machine.

    Raises:
        DownloadError: the address, or one redirected to, is not safe.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not (parts.scheme == "https" or local or (parts.scheme == "file" and parts.hostname in (None, "", "localhost"))):
        raise DownloadError(f"{url}: only https addresses are fetched")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_url(newurl)
        if urlsplit(req.full_url).scheme == "https" and not newurl.startswith("https:"):
            raise DownloadError(f"{req.full_url}: refused to be redirected to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _SafeRedirects())


def _chunks(answer: Any) -> Iterator[bytes]:
    while True:
        try:
            chunk = answer.read(_CHUNK)
        except http.client.IncompleteRead as error:
            if error.partial:
                yield error.partial
            return
        if not chunk:
            return
        yield chunk


def _total(answer: Any, done: int) -> int:
    length = answer.headers.get("Content-Length", "")
    return int(length) + done if length.isdigit() else 0


def _range_start(answer: Any) -> int:
    text = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0].strip()
    return int(text) if text.isdigit() else -1


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_note(part: Path, url: str, answer: Any) -> None:
    etag = answer.headers.get("ETag", "")
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    with cache_errors(part):
        _note(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _read_note(part: Path) -> dict[str, str]:
    try:
        note = json.loads(_note(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
