from __future__ import annotations

from importlib.metadata import files, metadata


def test_the_package_brings_its_licence():
    assert metadata("sglang-router")["License-Expression"] == "Apache-2.0"
    (text,) = [file for file in files("sglang-router") or [] if file.name == "LICENSE"]
    assert "Apache License" in text.read_text()
