"""Runs the transformation of lineitem beside polars, duckdb and pyarrow.

Whole processes are measured, start and inference included: wall clock, user and
system time, peak resident memory. `tests/bench-transform` starts this.
"""

import argparse
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

# What each peer is told, as its documentation shows it.
PEERS = {
    ("polars", "csv"): (
        "import polars as pl; pl.scan_csv({src!r}, try_parse_dates=True)"
        ".sink_parquet({dst!r}, compression='snappy')"
    ),
    ("polars", "ndjson"): (
        "import polars as pl; pl.scan_ndjson({src!r}).sink_parquet({dst!r}, compression='snappy')"
    ),
    ("duckdb", "csv"): (
        "import duckdb; duckdb.sql('SET threads={threads}'); "
        "duckdb.sql(\"COPY (SELECT * FROM read_csv('{src}')) TO '{dst}' "
        '(FORMAT parquet, COMPRESSION snappy)")'
    ),
    ("duckdb", "ndjson"): (
        "import duckdb; duckdb.sql('SET threads={threads}'); "
        "duckdb.sql(\"COPY (SELECT * FROM read_json('{src}', format='newline_delimited')) TO '{dst}' "
        '(FORMAT parquet, COMPRESSION snappy)")'
    ),
    ("pyarrow", "csv"): (
        "import pyarrow as pa, pyarrow.csv as c, pyarrow.parquet as pq; pa.set_cpu_count({threads})\n"
        "r = c.open_csv({src!r})\n"
        "with pq.ParquetWriter({dst!r}, r.schema, compression='snappy') as w:\n"
        "    for b in r: w.write_batch(b)"
    ),
    ("pyarrow", "ndjson"): (
        "import pyarrow as pa, pyarrow.json as j, pyarrow.parquet as pq; pa.set_cpu_count({threads})\n"
        "r = j.open_json({src!r})\n"
        "with pq.ParquetWriter({dst!r}, r.schema, compression='snappy') as w:\n"
        "    for b in r: w.write_batch(b)"
    ),
}
SUMS = (
    "SELECT count(*), sum(l_orderkey), sum(l_quantity)::DECIMAL(38,2), "
    "sum(l_extendedprice::DECIMAL(15,2)), count(DISTINCT l_shipdate::DATE), "
    "sum(length(l_comment)) FROM "
)


def query(text):
    """The first row that duckdb answers, or nothing. In a process of its own: a child
    counts what its parent had in memory when it was started as its own peak."""
    program = "import duckdb, sys; answer = duckdb.sql(sys.argv[1]); print(*(answer.fetchall()[0] if answer else ()))"
    return subprocess.run([sys.executable, "-c", program, text], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def measured(command, environment):
    """Runs a command; answers wall seconds, CPU-seconds and peak MB."""
    start = time.monotonic()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = child.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{said}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


class Bench:
    """The programs, the files they read and where they write."""

    def __init__(self, options):
        self.transform = options.transform
        self.folder = Path(options.folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scale = options.scale
        self.out = self.folder / "out"

    def lineitem(self, scale=None, name="lineitem"):
        """The CSV file, made if it is not there."""
        file = self.folder / f"{name}.csv"
        if not file.exists():
            made = self.folder / f"{name}.making"
            tool = Path(sys.executable).parent / "tpchgen-cli"
            scale = str(scale or self.scale)
            subprocess.run([tool, "csv", "-s", scale, "-T", "lineitem", "-o", made], check=True)
            (made / "lineitem.csv").rename(file)
            made.rmdir()
        return file

    def ndjson(self, csv):
        """About a third of the rows as NDJSON: as many bytes as the CSV has."""
        file = self.folder / "lineitem.ndjson"
        if not file.exists():
            rows = int(1_350_000 * self.scale / 0.7)
            query(f"COPY (SELECT * FROM read_csv('{csv}') LIMIT {rows}) TO '{file}' (FORMAT json)")
        return file

    def run(self, program, source, threads):
        """One run into an empty folder."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        environment = dict(os.environ, POLARS_MAX_THREADS=str(threads), COMPRESSION="snappy")
        environment["OMP_NUM_THREADS"] = str(threads)
        if program == "millrace":
            command = [self.transform, str(source), str(self.out), str(threads)]
        else:
            text = PEERS[(program, source.suffix[1:])]
            text = text.format(src=str(source), dst=str(self.out / "part.parquet"), threads=threads)
            command = [sys.executable, "-c", text]
        return measured(command, environment)

    def sums(self, table):
        return query(SUMS + table)

    def check(self, program, expected):
        found = self.sums(f"read_parquet('{self.out}/*.parquet')")
        if found != expected:
            sys.exit(f"{program} wrote {found}, but the file holds {expected}")


def table(bench, rounds):
    csv = bench.lineitem()
    print(f"{'input':8} {'threads':>7} {'program':9} {'wall s':>7} {'CPU s':>7} {'peak MB':>8} {'wall x':>7} {'CPU x':>7}")
    for source, reader in [(csv, "read_csv"), (bench.ndjson(csv), "read_json")]:
        expected = bench.sums(f"{reader}('{source}')")
        for threads in (2, 1):
            programs = ["millrace", "polars", "duckdb", "pyarrow"]
            runs = {program: [] for program in programs}
            for _ in range(rounds):
                for program in programs:
                    runs[program].append(bench.run(program, source, threads))
                    bench.check(program, expected)
            for program in programs:
                middle = [statistics.median(column) for column in zip(*runs[program])]
                ratio = [
                    statistics.median(theirs[i] / ours[i] for theirs, ours in zip(runs[program], runs["millrace"]))
                    for i in (0, 1)
                ]
                print(
                    f"{source.suffix[1:]:8} {threads:7} {program:9} {middle[0]:7.2f} {middle[1]:7.2f} "
                    f"{middle[2]:8.0f} {ratio[0]:7.2f} {ratio[1]:7.2f}",
                    flush=True,
                )
    print("x: how many times ours, the median over pairs of neighbouring runs")


def memory(bench, sizes):
    """Peak memory by size of the input."""
    print(f"{'MB':>7} {'seconds':>8} {'CPU s':>7} {'peak MB':>8}")
    for size in sizes:
        # Scale factor 1 makes 764 MB of lineitem.
        source = bench.lineitem(scale=round(size / 764, 3), name=f"lineitem-{size}")
        wall, cpu, peak = bench.run("millrace", source, 2)
        megabytes = source.stat().st_size / 1e6
        rows = int(query(f"SELECT count(*) FROM read_parquet('{bench.out}/*.parquet')"))
        with source.open("rb") as lines:
            count = sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b"")) - 1
        if rows != count:
            sys.exit(f"{rows} rows were written, but the file has {count}")
        print(f"{megabytes:7.0f} {wall:8.1f} {cpu:7.1f} {peak:8.0f}", flush=True)
        source.unlink()


def limited(bench, size):
    """One run in 512 MiB and a quarter of a core: in a control group where systemd
    may make one, or else stopped three quarters of the time, under a limit on
    address space."""
    source = bench.lineitem(scale=round(size / 764, 3), name=f"lineitem-{size}")
    shutil.rmtree(bench.out, ignore_errors=True)
    bench.out.mkdir()
    environment = dict(os.environ, COMPRESSION="snappy")
    ours = [bench.transform, str(source), str(bench.out), "2"]
    scope = ["systemd-run", "--scope", "--quiet", "-p", "MemoryMax=512M", "-p", "MemorySwapMax=0", "-p", "CPUQuota=25%"]
    if shutil.which(scope[0]) and subprocess.run([*scope, "true"], capture_output=True).returncode == 0:
        how, (wall, cpu, peak) = "control group", measured([*scope, *ours], environment)
    else:
        how, (wall, cpu, peak) = "stop and go, ulimit -v", stop_and_go(ours, environment)
    rows = int(query(f"SELECT count(*) FROM read_parquet('{bench.out}/*.parquet')"))
    print(f"{how}: {rows} rows, {wall:.1f} s, {cpu:.1f} CPU-s, peak {peak:.0f} MB")


def stop_and_go(command, environment):
    """Runs a command a quarter of the time, in 512 MiB of address space."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    start = time.monotonic()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, preexec_fn=limit)
    status = usage = 0
    while True:
        # Two threads, so an eighth of the time makes a quarter of a core.
        os.kill(child.pid, signal.SIGCONT)
        time.sleep(0.0125)
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(0.0875)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"failed with {child.returncode} under the limit")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--transform", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--scale", type=float, default=0.7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, nargs="+", metavar="MB")
    parser.add_argument("--limited", type=int, metavar="MB")
    options = parser.parse_args()
    bench = Bench(options)
    if options.memory:
        memory(bench, options.memory)
    elif options.limited:
        limited(bench, options.limited)
    else:
        table(bench, options.rounds)


main()
