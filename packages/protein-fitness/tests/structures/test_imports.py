"""What is light to import stays so."""

import subprocess
import sys


def test_names_do_not_wait_for_biotite():
    code = "import sys, protein_fitness.structures as s, protein_fitness.mutations; s.Structure; print('biotite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
