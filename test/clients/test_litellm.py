from __future__ import annotations

import asyncio

import litellm
import pytest

from conftest import ANSWER_TOKENS, KEY, MESSAGES, MODEL, QUESTION

# Which of its providers litellm calls such a server as, and what it adds to the address.
PROVIDERS = {"openai": "/v1", "hosted_vllm": "/v1", "anthropic": ""}


@pytest.fixture(params=PROVIDERS)
def options(request, service) -> dict:
    return {
        "model": f"{request.param}/{MODEL}",
        "api_base": service.url + PROVIDERS[request.param],
        "api_key": KEY,
        "messages": MESSAGES,
        "max_tokens": ANSWER_TOKENS,
        "num_retries": 0,
    }


def test_a_chat(options, service):
    answer = litellm.completion(**options)
    assert answer.choices[0].message.content == service.answer
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (service.prompt_tokens, ANSWER_TOKENS)


def test_a_streamed_chat(options, service):
    chunks = list(litellm.completion(**options, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == service.answer
    built = litellm.stream_chunk_builder(chunks, messages=MESSAGES)
    assert (built.usage.prompt_tokens, built.usage.completion_tokens) == (service.prompt_tokens, ANSWER_TOKENS)


def test_many_at_once(options):
    async def all_at_once() -> list:
        chats = [{**options, "messages": [{"role": "user", "content": f"{n} {QUESTION}"}]} for n in range(50)]
        return await asyncio.gather(*(litellm.acompletion(**chat) for chat in chats))

    answers = asyncio.run(all_at_once())
    assert [answer.usage.completion_tokens for answer in answers] == [ANSWER_TOKENS] * 50


def test_a_wrong_key_is_an_error_of_its_own(options):
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(**{**options, "api_key": "another"})
