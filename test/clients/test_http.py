"""HTTP libraries: whole answers and streams, kept connections and new ones, 1.0 and 1.1."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterable
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests

from conftest import ANSWER_TOKENS, KEY, QUESTION

HEADERS = {"authorization": f"Bearer {KEY}"}


def generate(number: int = 0, **fields: object) -> dict:
    return {"text": f"{number} {QUESTION}", "sampling_params": {"max_new_tokens": ANSWER_TOKENS}, **fields}


def events(lines: Iterable[str]) -> list[dict]:
    """The JSON of each event; checks that the stream ended as it should."""
    data = [line.removeprefix("data: ") for line in lines if line]
    assert data[-1] == "[DONE]"
    return [json.loads(one) for one in data[:-1]]


def check(answer: dict, streamed: list[dict]) -> None:
    """A stream ends with the whole answer, and was more than one piece."""
    assert answer["text"] == streamed[-1]["text"] != ""
    assert len(streamed) > 1
    for one in (answer, streamed[-1]):
        assert one["meta_info"]["completion_tokens"] == ANSWER_TOKENS
        assert one["meta_info"]["prompt_tokens"] > 0


def test_requests(service):
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(HEADERS)
        answer = session.post(f"{service.url}/generate", json=generate())
        assert answer.status_code == 200
        with session.post(f"{service.url}/generate", json=generate(stream=True), stream=True) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            check(answer.json(), events(stream.iter_lines(decode_unicode=True)))


def test_requests_with_a_connection_each(service):
    answers = [
        requests.post(f"{service.url}/generate", json=generate(n), headers={**HEADERS, "connection": "close"})
        for n in range(5)
    ]
    assert [answer.json()["meta_info"]["completion_tokens"] for answer in answers] == [ANSWER_TOKENS] * 5


def test_a_body_that_requests_sends_in_chunks(service):
    body = json.dumps(generate()).encode()
    pieces = (body[at : at + 7] for at in range(0, len(body), 7))
    answer = requests.post(f"{service.url}/generate", data=pieces, headers=HEADERS)
    assert answer.json()["meta_info"]["completion_tokens"] == ANSWER_TOKENS


def test_httpx(service):
    with httpx.Client(base_url=service.url, headers=HEADERS) as client:
        answer = client.post("/generate", json=generate())
        assert answer.http_version == "HTTP/1.1"
        with client.stream("POST", "/generate", json=generate(stream=True)) as stream:
            check(answer.json(), events(stream.iter_lines()))


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_httpx_many_at_once(service, version):
    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        protocols = {"http1": version == "HTTP/1.1", "http2": version == "HTTP/2"}
        async with httpx.AsyncClient(
            base_url=service.url, headers=HEADERS, limits=limits, timeout=60, **protocols
        ) as client:
            return await asyncio.gather(*(client.post("/generate", json=generate(n)) for n in range(100)))

    answers = asyncio.run(all_at_once())
    assert {answer.http_version for answer in answers} == {version}
    assert [answer.json()["meta_info"]["completion_tokens"] for answer in answers] == [ANSWER_TOKENS] * 100


def test_aiohttp(service):
    async def ask() -> tuple[dict, list[dict]]:
        async with aiohttp.ClientSession(service.url, headers=HEADERS) as session:
            async with session.post("/generate", json=generate()) as answer:
                whole = await answer.json()
            async with session.post("/generate", json=generate(stream=True)) as stream:
                return whole, events([line.decode().strip() async for line in stream.content])

    check(*asyncio.run(ask()))


def test_aiohttp_many_streams_at_once(service):
    async def stream(session: aiohttp.ClientSession, number: int) -> int:
        async with session.post("/generate", json=generate(number, stream=True)) as answer:
            lines = [line.decode().strip() async for line in answer.content]
        return events(lines)[-1]["meta_info"]["completion_tokens"]

    async def all_at_once() -> list[int]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(service.url, headers=HEADERS, connector=connector) as session:
            return await asyncio.gather(*(stream(session, number) for number in range(100)))

    assert asyncio.run(all_at_once()) == [ANSWER_TOKENS] * 100


class Http10(http.client.HTTPConnection):
    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


@pytest.mark.parametrize("keep_alive", [False, True])
def test_http_1_0(service, keep_alive):
    """Such a client knows no chunks: a stream ends with its connection, a whole answer has a length."""
    headers = {**HEADERS, "connection": "keep-alive"} if keep_alive else HEADERS
    connection = Http10(urlsplit(service.url).netloc)
    answers = []
    for _ in range(2):
        connection.request("POST", "/generate", json.dumps(generate()), headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["transfer-encoding"] is None
        assert answer.headers["content-length"] is not None
        answers.append(json.loads(answer.read()))
    connection.request("POST", "/generate", json.dumps(generate(stream=True)), headers)
    stream = connection.getresponse()
    assert stream.headers["transfer-encoding"] is None
    assert stream.headers["content-length"] is None
    check(answers[0], events(line.decode().strip() for line in stream))
    assert answers[0]["text"] == answers[1]["text"]
