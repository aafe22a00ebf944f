from __future__ import annotations

import asyncio
import time

import openai
import pytest

from conftest import ANSWER_TOKENS, KEY, MESSAGES, MODEL, QUESTION


@pytest.fixture
def client(service):
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_models(client):
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_a_chat(client, service):
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=ANSWER_TOKENS)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (service.answer, "length")
    assert answer.usage.prompt_tokens == service.prompt_tokens
    assert answer.usage.completion_tokens == ANSWER_TOKENS


def test_a_streamed_chat(client, service):
    started = time.perf_counter()
    stream = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,
        max_tokens=ANSWER_TOKENS,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = []
    arrivals = []
    for chunk in stream:
        chunks.append(chunk)
        if chunk.choices and chunk.choices[0].delta.content:
            arrivals.append(time.perf_counter() - started)
    contents = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(contents) == service.answer
    assert 0 < arrivals[0] < arrivals[-1]
    assert len(arrivals) == ANSWER_TOKENS
    assert chunks[-1].usage.completion_tokens == ANSWER_TOKENS
    assert chunks[-1].usage.prompt_tokens == service.prompt_tokens


def test_two_answers_with_log_probabilities(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, max_tokens=4, n=2, logprobs=True, top_logprobs=2
    )
    assert [len(choice.logprobs.content) for choice in answer.choices] == [4, 4]
    assert answer.usage.completion_tokens == 8


def test_completions(client):
    whole = client.completions.create(model=MODEL, prompt=QUESTION, max_tokens=ANSWER_TOKENS)
    stream = client.completions.create(model=MODEL, prompt=QUESTION, max_tokens=ANSWER_TOKENS, stream=True)
    text = "".join(chunk.choices[0].text for chunk in stream if chunk.choices)
    assert text == whole.choices[0].text != ""
    assert whole.usage.completion_tokens == ANSWER_TOKENS


def test_responses(client):
    whole = client.responses.create(model=MODEL, input=QUESTION, max_output_tokens=ANSWER_TOKENS, store=False)
    stream = client.responses.create(
        model=MODEL, input=QUESTION, max_output_tokens=ANSWER_TOKENS, store=False, stream=True
    )
    events = list(stream)
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert events[-1].type == "response.incomplete"
    final = events[-1].response
    assert "".join(pieces) == final.output_text == whole.output_text != ""
    assert whole.usage.output_tokens == final.usage.output_tokens == ANSWER_TOKENS


def test_a_response_that_ends_by_itself(client):
    with client.responses.stream(model=MODEL, input=QUESTION, store=False) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert final.status == "completed"
    assert "".join(pieces) == final.output_text != ""


def test_many_streams_at_once(service):
    async def stream(client: openai.AsyncOpenAI, number: int) -> int:
        messages = [{"role": "user", "content": f"{number} {QUESTION}"}]
        chunks = await client.chat.completions.create(
            model=MODEL, messages=messages, max_tokens=ANSWER_TOKENS, stream=True
        )
        return len([chunk async for chunk in chunks if chunk.choices and chunk.choices[0].delta.content])

    async def all_at_once() -> list[int]:
        async with openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key=KEY, max_retries=0) as client:
            return await asyncio.gather(*(stream(client, number) for number in range(100)))

    assert asyncio.run(all_at_once()) == [ANSWER_TOKENS] * 100


def test_errors_are_those_of_the_client(client, service):
    with pytest.raises(openai.AuthenticationError, match="Bearer"):
        client.with_options(api_key="another").completions.create(model=MODEL, prompt=QUESTION)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=-2)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=-2, stream=True)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


def test_a_client_that_leaves_a_stream_can_go_on(client, service):
    with client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=10_000, stream=True) as stream:
        next(iter(stream))
    test_a_chat(client, service)
