"""Runs the tests of `examples/flutter` on a Dart without Flutter.

A `dart` on the path (Flutter's or the SDK's), or the virtual machine that Dart Sass ships for 32
bits: `apt-get install libc6-i386 npm`, then
`npm install --prefix build/dart --force sass-embedded-linux-ia32@1.89.0`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from house import ROOT

APP = ROOT / "examples" / "flutter"
STUBS = Path(__file__).parent / "stubs"
_SHIPPED = ROOT / "build/dart/node_modules/sass-embedded-linux-ia32/dart-sass/src/dart"
_LOADER = Path("/lib/ld-linux.so.2")
_LANGUAGE = "3.7"


def dart() -> str | None:
    """Returns the path of a Dart virtual machine, None where there is none."""
    shipped = str(_SHIPPED) if _SHIPPED.is_file() and _LOADER.exists() else None
    return shutil.which("dart") or shipped


def run(
    folder: Path, program: str, packages: dict[str, Path], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program in the app's folder, with `packages` by name; `folder` takes what it needs."""
    entries = [
        {"name": name, "rootUri": path.as_uri(), "packageUri": "./", "languageVersion": _LANGUAGE}
        for name, path in packages.items()
    ]
    config, main = folder / "package_config.json", folder / "main.dart"
    config.write_text(json.dumps({"configVersion": 2, "packages": entries}), encoding="utf-8")
    main.write_text(program, encoding="utf-8")
    command = [dart() or "dart", f"--packages={config}", str(main)]
    return subprocess.run(
        command, cwd=APP, capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment},
    )  # fmt: skip
