"""``python docs/pictures FOLDER``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pictures import PICTURES, draw_all

print("\n".join(map(str, draw_all(Path(sys.argv[1]) if sys.argv[1:] else PICTURES))))
