"""Metadata hook: the README for PyPI, where links and pictures that are relative lead nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class ReadmeHook(MetadataHookInterface):
    """Makes them absolute by `repository` in package.json; while there is none, names the pages without links."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        manifest = json.loads((root / "package.json").read_text("utf-8"))
        text = (root / "README.md").read_text("utf-8")
        repository = manifest.get("repository")
        if repository:
            url = re.sub(r"^git\+|\.git$", "", repository["url"] if isinstance(repository, dict) else repository)
            text = with_links(text, url, f"v{manifest['version']}")
        else:
            text = without_links(text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


RELATIVE = r"(?!https?:|#)([^)\s]+)"


def with_links(text: str, repository: str, version: str) -> str:
    text = re.sub(rf"!\[([^\]]*)\]\({RELATIVE}\)", rf"![\1]({repository}/raw/{version}/\2)", text)
    text = re.sub(r'(src|srcset)="(?!https?:)', rf'\1="{repository}/raw/{version}/', text)
    return re.sub(rf"(?<!!)\[([^\]]*)\]\({RELATIVE}\)", rf"[\1]({repository}/blob/{version}/\2)", text)


def without_links(text: str) -> str:
    text = re.sub(rf"!\[[^\]]*\]\({RELATIVE}\)\n+", "", text)
    text = re.sub(r"<picture>.*?</picture>\n+", "", text, flags=re.DOTALL)
    text = re.sub(rf"\[([^\]]*)\]\({RELATIVE}\)", r"\1 (\2)", text)
    return text.replace("LICENSE (LICENSE)", "LICENSE")
