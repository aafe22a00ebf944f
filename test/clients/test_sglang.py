"""SGLang's own frontend language, whose programs ask a server what it is before they generate."""

from __future__ import annotations

import pytest
import sglang

from conftest import ANSWER_TOKENS, KEY, MODEL, QUESTION


@sglang.function
def two_turns(s, question: str) -> None:
    s += sglang.user(question)
    s += sglang.assistant(sglang.gen("first", max_tokens=ANSWER_TOKENS))
    s += sglang.user("And of Spain?")
    s += sglang.assistant(sglang.gen("second", max_tokens=ANSWER_TOKENS))


@pytest.fixture(scope="module")
def backend(service):
    return sglang.RuntimeEndpoint(service.url, api_key=KEY)


def test_a_program(backend):
    assert backend.get_model_name() == MODEL
    state = two_turns.run(question=QUESTION, backend=backend)
    assert state.error() is None
    assert state.get_meta_info("first")["completion_tokens"] == ANSWER_TOKENS
    assert state["second"] != state["first"] != ""


def test_a_streamed_program(backend):
    whole = two_turns.run(question=QUESTION, backend=backend)
    state = two_turns.run(question=QUESTION, backend=backend, stream=True)
    assert "".join(state.text_iter(var_name="first")) == whole["first"]


def test_a_batch_of_programs(backend):
    questions = [{"question": f"{number} {QUESTION}"} for number in range(50)]
    states = two_turns.run_batch(questions, backend=backend, num_threads=50)
    assert [state.get_meta_info("second")["completion_tokens"] for state in states] == [ANSWER_TOKENS] * 50
