"""python backend/run_smoke_test.py   (USE_MOCK_MODEL=1: without a model)"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fingerspell.cli.main import door

if __name__ == "__main__":
    raise SystemExit(door("smoke"))
