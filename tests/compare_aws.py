"""Runs the behaviour checks against several endpoints and writes the table of
differences. `compare-aws` starts the endpoints and calls this."""

import argparse
import collections
import concurrent.futures
import datetime
import os
import pathlib
import re
import subprocess
import sys

# Seconds that one check may take, several at a time.
PATIENCE = 30
AT_ONCE = 4

SERVICES = {
    "sqs": "SQS",
    "s3": "S3",
    "sns": "SNS",
    "events": "EventBridge",
    "scheduler": "EventBridge Scheduler",
    "ecs": "ECS",
    "secrets": "Secrets Manager",
    "sts": "STS",
}

CHECK = re.compile(
    r"((?:^/// .*\n)+)#\[tokio::test\]\nasync fn (\w+)\(\)", re.MULTILINE
)

Outcome = collections.namedtuple("Outcome", "cell because")


def documented(folder):
    """The doc comment of every check, by the check's path."""
    comments = {}
    for file in sorted(folder.rglob("*.rs")):
        module = file.relative_to(folder).with_suffix("")
        parts = [part for part in module.parts if part not in ("mod", "main")]
        for comment, name in CHECK.findall(file.read_text()):
            text = " ".join(line[4:].strip() for line in comment.splitlines())
            comments["::".join([*parts, name])] = text
    return comments


def asked(binary, check, url):
    """What one check says of one endpoint; of our own without a URL."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment.pop("MILLRACE_BEHAVIOUR_ENDPOINT", None)
    environment["RUST_BACKTRACE"] = "0"
    if url:
        environment["MILLRACE_BEHAVIOUR_ENDPOINT"] = url
    command = [binary, "--exact", check, "--nocapture"]
    try:
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Outcome("no", f"no answer in {PATIENCE} s")
    differs = re.search(r"^differs: (.*)$", ran.stderr, re.MULTILINE)
    if differs:
        return Outcome("no", f"on purpose: {differs[1]}")
    if ran.returncode == 0:
        return Outcome("–" if "not asked:" in ran.stderr else "yes", "")
    return Outcome("no", because(ran.stderr))


def because(text):
    """The message of a check that failed, in one short line."""
    lines = text.splitlines()
    begin = next((at for at, line in enumerate(lines) if " panicked at " in line), None)
    if begin is None:
        return "ended without a message"
    message = []
    for line in lines[begin + 1 :]:
        if line.startswith("note: ") or line.startswith("stack backtrace"):
            break
        message.append(line.strip())
    text = " ".join(message)
    code = re.search(r'code: Some\("([^"]+)"\), message: Some\("((?:[^"\\]|\\.)*)"', text)
    if code and text.startswith("called `Result::unwrap()`"):
        text = f"{code[1]}: {code[2]}"
    text = text.replace("called `Result::unwrap()` on an `Err` value: ", "")
    text = text.replace("assertion `left == right` failed", "").strip()
    text = re.sub(r"^a refusal: (\w+)Output\b.*", r"not refused: \1", text)
    text = re.sub(r"^left: (.*?)\s+right: ", r"\1 in place of ", text)
    text = re.sub(r"http://127\.0\.0\.1:\d+", "", text)
    text = re.sub(r"(?<!-[0-9a-f]{4})-[0-9a-f]{12}\b", "", text).removeprefix(": ")
    return text if len(text) <= 160 else text[:157] + "…"


def table(title, checks, comments, outcomes, names):
    """One service's table, in the order of the source."""
    lines = [f"## {title}", "", "| behaviour | " + " | ".join(names) + " |"]
    lines.append("|---|" + "---|" * len(names))
    for check in checks:
        cells = [outcomes[name][check].cell for name in names]
        lines.append(f"| {escaped(comments[check])} | " + " | ".join(cells) + " |")
    return lines


def escaped(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def report(comments, outcomes, versions):
    names = list(outcomes)
    counts = []
    for name in names:
        cells = collections.Counter(outcome.cell for outcome in outcomes[name].values())
        counts.append(f"| {name} {versions[name]} | {cells['yes']} | {cells['no']} | {cells['–']} |")
    lines = [
        "# What Millrace's endpoint, ministack and moto do of what AWS documents",
        "",
        f"Written by `tests/compare-aws` on {datetime.date.today()}. Do not edit: change the",
        "checks in `tests/behaviour` and run it again.",
        "",
        "Each row is one behaviour that AWS documents, with its source in brackets: the",
        "API action or a page of the user or developer guide. All endpoints were asked the",
        "same, by the same program, over the AWS SDK for Rust.",
        "",
        "- **yes**: does as documented.",
        "- **no**: does something else, or does not have it. Why is at the end.",
        "- **–**: not asked, since it takes minutes and only our endpoint's clock can be",
        "  set forward.",
        "",
        "The checks are about what Millrace is used for; they are no measure of the",
        "others, which have many services that Millrace does not have.",
        "",
        "| endpoint | yes | no | – |",
        "|---|---|---|---|",
        *counts,
        "",
    ]
    by_service = collections.defaultdict(list)
    for check in comments:
        by_service[check.split("::")[0]].append(check)
    for service, title in SERVICES.items():
        lines += [*table(title, by_service[service], comments, outcomes, names), ""]
    lines += ["## Why not", ""]
    for check in comments:
        for name in names:
            outcome = outcomes[name][check]
            if outcome.cell == "no":
                lines.append(f"- {name}, `{check}`: {escaped(outcome.because)}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--checks", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--ministack", nargs=2, required=True, metavar=("VERSION", "URL"))
    parser.add_argument("--moto", nargs=2, required=True, metavar=("VERSION", "URL"))
    options = parser.parse_args()

    listed = subprocess.run(
        [options.binary, "--list", "--format", "terse"], capture_output=True, text=True, check=True
    )
    names = {line.removesuffix(": test") for line in listed.stdout.splitlines()}
    found = documented(options.checks)
    order = {service: number for number, service in enumerate(SERVICES)}
    comments = dict(sorted(found.items(), key=lambda item: order[item[0].split("::")[0]]))
    if names != set(comments):
        sys.exit(f"checks without a doc comment, or not built: {sorted(names ^ set(comments))}")

    versions = {"Millrace": options.millrace}
    urls = {"Millrace": None}
    versions["ministack"], urls["ministack"] = options.ministack
    versions["moto"], urls["moto"] = options.moto
    outcomes = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, url in urls.items():
            print(f"asking {name}", file=sys.stderr)
            ask = lambda check, url=url: asked(options.binary, check, url)
            outcomes[name] = dict(zip(comments, pool.map(ask, comments)))
    options.report.write_text(report(comments, outcomes, versions))
    for name in urls:
        cells = collections.Counter(outcome.cell for outcome in outcomes[name].values())
        print(f"{name}: {dict(cells)}", file=sys.stderr)


if __name__ == "__main__":
    main()
