from __future__ import annotations

import re
from importlib.metadata import metadata


def test_the_description_has_no_link_or_picture_that_leads_nowhere():
    text = metadata("sglang-router").get_payload()
    assert text.startswith("# sglang-router\n")
    targets = re.findall(r'\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"', text)
    assert [target for target in targets if not "".join(target).startswith("https://")] == []
