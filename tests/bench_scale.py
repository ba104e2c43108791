"""Measures how the pace of many small files follows the number of workers; see
`bench-scale`. Stops with an error unless every row is there once."""

import argparse
import os
import shutil
import tempfile

from bench_files import Bench, moment
from bench_servers import Postgres

FAULTS = """
[[fault]]
do = "delay"
service = "s3"
operation = "GetObject"
resource = "small-raw/*"
delay = "{delay}"
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--files", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--warehouse", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--workers", type=int, nargs="+", required=True)
    parser.add_argument("--delays", nargs="+", required=True)
    args = parser.parse_args()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{args.files} files of {args.rows} rows into {args.warehouse}, load average {load:.1f}")
    print(f"{cores} cores, shared by the workers, the embedded AWS and the database\n")
    print("| reads take longer by | workers a stage | files/s | times the first | cores busy* |")
    print("|---|---|---|---|---|")
    for delay in args.delays:
        first = None
        for workers in args.workers:
            rate, busy = run(args, workers, delay)
            first = first or rate
            print(f"| {delay} | {workers} | {rate:.0f} | {rate / first:.2f} | {busy:.1f} |", flush=True)
    print("\n* with workers and the embedded AWS; those of the database come on top")


def run(args, workers, delay):
    """Files per second from the first that is registered to the last that is loaded, and how
    many cores the processes kept busy."""
    folder = tempfile.mkdtemp(prefix="millrace-scale-")
    server = Postgres() if args.warehouse == "postgres" else None
    try:
        bench = Bench(args, folder, server)
        bench.publish()
        plan = f"{folder}/faults.toml"
        with open(plan, "w") as out:
            out.write(FAULTS.format(delay=delay))
        _, spent = bench.drain(workers, ["--faults", plan])
        span = "SELECT {} FROM millrace_files"
        first = moment(bench.ask("journey", span.format("MIN(registered_at)")))
        took = moment(bench.ask("journey", span.format("MAX(loaded_at)"))) - first
        return args.files / took, sum(spent.values()) / took
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
