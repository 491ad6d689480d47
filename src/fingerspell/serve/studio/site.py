"""The files of the studio: the built page, its runtime, and what this recogniser adds to them."""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fingerspell import __version__
from fingerspell.errors import ConfigError
from fingerspell.files import replaced_folder, why_not_writable
from fingerspell.live import LiveRules, rules_as_json
from fingerspell.live.words import WordRules
from fingerspell.runtime import MODEL_FILES, Predictor
from fingerspell.runtime.contract import Contract
from fingerspell.runtime.page_model import PageModel, page_model

STATIC = Path(__file__).resolve().parents[1] / "static"
"""What `node web/build.mjs` writes: users of the package need no Node."""

PAGE = "index.html"
CONTRACT = "studio.json"
MODEL = "studio.tflite"
HEAD = "studio_head.bin"

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every file: nothing comes from, or goes to, another host."""

_NO_META = ("frame-ancestors",)
"""What a policy inside a page may not say: browsers read it in a header only."""

_PACKED = ".gz"
_KINDS = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".json": "application/json",
    ".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".wasm": "application/wasm",
    ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".mp4": "video/mp4",
    ".webm": "video/webm", ".woff2": "font/woff2", ".ico": "image/x-icon",
}  # fmt: skip
_SQUEEZED = (".html", ".css", ".js", ".json", ".txt", ".svg")


class File:
    """One file: `name` as the page asks for it; `packed` says that `read` gives it as gzip."""

    def __init__(self, name: str, read: Callable[[], bytes], *, packed: bool = False) -> None:
        self.name = name
        self.kind = _KINDS.get(Path(name).suffix, "application/octet-stream")
        self._read = read
        self._packed = packed

    @cached_property
    def gzipped(self) -> bytes | None:
        """The file as gzip, None where that saves little."""
        if self._packed:
            return self._read()
        squeezed = self.name.endswith(_SQUEEZED)
        return gzip.compress(self.content, mtime=0) if squeezed else None

    @cached_property
    def content(self) -> bytes:
        """The file as it is."""
        return gzip.decompress(self.gzipped or b"") if self._packed else self._read()

    @cached_property
    def etag(self) -> str:
        """The file's version, as HTTP writes it."""
        data = self.gzipped if self._packed else self.content
        return f'W/"{hashlib.sha256(data or b"").hexdigest()[:32]}"'


@dataclass(frozen=True)
class Site:
    """The studio around one recogniser and its live rules.

    `on_server`: whether a server stands behind the page, or it is a folder of files.
    """

    recogniser: Predictor
    rules: LiveRules
    on_server: bool = True
    static: Path = STATIC

    @cached_property
    def files(self) -> dict[str, File]:
        """Every file by its name below the page's address; without a built page none."""
        if not has_page(self.static):
            return {}
        files = {
            name: File(name, path.read_bytes, packed=path.suffix == _PACKED)
            for name, path in static_names(self.static).items()
        }
        files[CONTRACT] = File(CONTRACT, lambda: json.dumps(self.contract).encode())
        if (model := self.model) is not None:
            files[MODEL] = File(MODEL, lambda: model.content)
            if model.head:
                files[HEAD] = File(HEAD, lambda: model.head)
        return files

    @cached_property
    def model(self) -> PageModel | None:
        """What the page computes with, None where no TFLite file answers."""
        read: Callable[[], bytes] | None = getattr(self.recogniser, "light_model", None)
        return None if read is None else page_model(read())

    @property
    def contract(self) -> dict[str, Any]:
        """`studio.json`, as `Contract` of web/src/engine/api.ts describes it."""
        known = self.recogniser
        return {
            "name": known.name,
            "version": __version__,
            "mock": known.mock,
            "labels": list(known.labels),
            "allowed": list(known.allowed),
            "size_px": list(known.size_px),
            "threshold": known.threshold,
            "rules": rules_as_json(self.rules),
            "word_rules": asdict(WordRules()),
            "on_device": self.model is not None,
            "on_server": self.on_server,
            "outputs": list(self.model.outputs) if self.model else [],
            "bundle": self._bundle,
        }

    @property
    def _bundle(self) -> dict[str, Any] | None:
        """What a page needs to make a bundle with a last layer of its own, None where it cannot."""
        contract: Contract | None = getattr(self.recogniser, "contract", None)
        if contract is None or self.model is None or self.model.file is None:
            return None
        half = self.model.file["head"][0]["half"]
        return {
            "name": MODEL_FILES["fp16" if half else "float32"],
            "file": self.model.file,
            "contract": json.loads(replace(contract, files={}, least_runtime={}).to_json()),
        }


def static_names(static: Path) -> dict[str, Path]:
    """Returns the built files by their names below the page's address; without a page none."""
    if not has_page(static):
        return {}
    found = sorted(path for path in static.rglob("*") if path.is_file())
    return {path.relative_to(static).as_posix().removesuffix(_PACKED): path for path in found}


def has_page(static: Path = STATIC) -> bool:
    """Whether the built page is there."""
    return (static / PAGE).is_file()


def write_site(site: Site, folder: Path) -> list[str]:
    """Writes the studio as a folder for any static host, in one step; returns the files' names.

    All addresses in it are relative, so it works under any path. The page carries its policy
    itself. Raises `ConfigError` for a folder that holds something else, and `DataError` where it
    cannot be written.
    """
    if not site.files:
        raise ConfigError(
            found="a copy of the package without the built page",
            expected=f"{PAGE} in {site.static}",
            fix="build it: npm install --prefix web, node web/build.mjs",
        )
    if reason := why_not_writable(folder.parent):
        raise ConfigError(
            found=f"{folder}, which cannot be written ({reason})",
            expected="a folder that can be written",
            fix="name another folder",
        )
    if folder.exists() and not _may_replace(folder):
        raise ConfigError(
            found=f"{folder}, which holds something else than a studio",
            expected="a folder that is empty, is not there yet, or holds a studio",
            fix="name another folder, or empty this one",
        )
    with replaced_folder(folder) as half:
        for name, file in site.files.items():
            path = half / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_with_policy(file.content) if name == PAGE else file.content)
    return list(site.files)


def _may_replace(folder: Path) -> bool:
    return (folder / CONTRACT).is_file() or (folder.is_dir() and not any(folder.iterdir()))


def _with_policy(page: bytes) -> bytes:
    """Returns a page that says its policy itself: a static host sends no header for it."""
    kept = (part for part in POLICY.split("; ") if not part.startswith(_NO_META))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(kept)}">'
    return page.replace(b"<head>", b"<head>\n" + meta.encode(), 1)
