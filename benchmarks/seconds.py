"""Records what every (dataset, model) of a results folder took, for the estimates of `--dry-run`.

    graphkit bench suite everything-small --jobs 2 -o runs/small
    python benchmarks/seconds.py runs/small

On an otherwise idle machine: the table, `graphkit/bench/seconds.tsv`, names its processor.
"""

import sys

from graphkit.bench.estimate import TABLE, write_table
from graphkit.bench.report import read_results

if __name__ == "__main__":
    write_table(read_results(sys.argv[1]))
    print(f"written to {TABLE}")
