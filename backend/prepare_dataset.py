"""python backend/prepare_dataset.py --input_dir PICTURES --output_dir dataset"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fingerspell.cli.main import door

if __name__ == "__main__":
    raise SystemExit(door("prepare"))
