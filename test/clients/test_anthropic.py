from __future__ import annotations

import time

import anthropic
import pytest

from conftest import ANSWER_TOKENS, KEY, MESSAGES, MODEL


@pytest.fixture
def client(service):
    with anthropic.Anthropic(base_url=service.url, api_key=KEY, max_retries=0) as client:
        yield client


def test_a_message(client, service):
    answer = client.messages.create(model=MODEL, messages=MESSAGES, max_tokens=ANSWER_TOKENS)
    assert [block.text for block in answer.content] == [service.answer]
    assert answer.stop_reason == "max_tokens"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (service.prompt_tokens, ANSWER_TOKENS)


def test_a_streamed_message(client, service):
    started = time.perf_counter()
    arrivals = []
    pieces = []
    with client.messages.stream(model=MODEL, messages=MESSAGES, max_tokens=ANSWER_TOKENS) as stream:
        for piece in stream.text_stream:
            arrivals.append(time.perf_counter() - started)
            pieces.append(piece)
        final = stream.get_final_message()
    assert "".join(pieces) == final.content[0].text == service.answer
    assert 0 < arrivals[0] < arrivals[-1]
    assert (final.usage.input_tokens, final.usage.output_tokens) == (service.prompt_tokens, ANSWER_TOKENS)
    assert final.stop_reason == "max_tokens"


def test_tokens_are_counted(client, service):
    assert client.messages.count_tokens(model=MODEL, messages=MESSAGES).input_tokens == service.prompt_tokens


def test_errors_are_those_of_the_client(client, service):
    with pytest.raises(anthropic.AuthenticationError):
        client.with_options(api_key="another").messages.create(model=MODEL, messages=MESSAGES, max_tokens=1)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=MODEL, messages=MESSAGES, max_tokens=-2)
    token = client.with_options(api_key=None, auth_token=KEY)
    assert token.messages.create(model=MODEL, messages=MESSAGES, max_tokens=1).usage.output_tokens == 1
