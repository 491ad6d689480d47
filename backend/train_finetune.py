"""python backend/train_finetune.py --dataset_dir dataset --epochs 50 --batch_size 32"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fingerspell.cli.main import door

if __name__ == "__main__":
    raise SystemExit(door("train"))
