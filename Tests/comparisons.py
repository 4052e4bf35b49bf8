"""What the scripts of tests share: comparisons, and what they end with."""

import os
import sys
import tempfile

faults = []
looked = 0


def check(holds, what, found=""):
    global looked
    looked += 1
    if not holds:
        faults.append(f"{what}: {found}")


def finish(*parts, prepare=lambda: None):
    """Runs parts in an empty folder, prints a line for each fault and the number of comparisons, and ends the script."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        for part in parts:
            try:
                part()
            except Exception as error:
                faults.append(f"{part.__name__}: {type(error).__name__}: {error}")
        os.chdir("/")
    for fault in faults:
        print(fault)
    print(f"{looked} comparisons, {len(faults)} faults")
    sys.exit(1 if faults else 0)
