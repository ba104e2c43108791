"""A week of load on one stage, scaled as modules/stage does it.

The arithmetic is that of modules/stage/scaling.tf: the backlog per task (waiting
and in flight) is kept at latency / seconds_per_message * concurrency. One step is
a minute, which is how often CloudWatch has the metrics. Standard library only.
"""

import math
from dataclasses import dataclass, field

# Fargate on ARM64 in us-east-1, per hour; to be checked, noted 2026-11.
VCPU_HOUR = 0.03238
GIB_HOUR = 0.00356

WEEK = 7 * 24 * 60


@dataclass(frozen=True)
class Stage:
    """What scaling starts from."""

    minimum: int = 1
    maximum: int = 10
    concurrency: int = 4
    seconds_per_message: float = 2.0
    latency_seconds: float = 300.0
    scale_out_minutes: int = 1
    scale_in_minutes: int = 5
    # Seen by target tracking: three minutes above before it scales out, fifteen
    # below 90 % of the target before it scales in (Application Auto Scaling).
    above_minutes: int = 3
    below_minutes: int = 15
    start_minutes: int = 1
    vcpu: float = 1.0
    gib: float = 2.0

    @property
    def target(self):
        """Messages a task can work off within the latency."""
        return max(1, math.floor(self.latency_seconds / self.seconds_per_message * self.concurrency))

    @property
    def rate(self):
        """Messages a task works off in a minute."""
        return 60.0 / self.seconds_per_message * self.concurrency

    @property
    def cost_per_task_minute(self):
        """In dollars."""
        return (self.vcpu * VCPU_HOUR + self.gib * GIB_HOUR) / 60


def backlog_per_task(visible, in_flight, running):
    """The metric: never divided by zero."""
    return (visible + in_flight) / max(running, 1)


def desired(stage, backlog, running):
    """What target tracking asks for: as many as bring the metric to the target."""
    wanted = math.ceil(max(running, 1) * backlog_per_task(backlog, 0, running) / stage.target)
    return min(max(wanted, stage.minimum), stage.maximum)


@dataclass
class Run:
    """A simulated week, minute by minute."""

    arrivals: list = field(default_factory=list)
    tasks: list = field(default_factory=list)
    backlog: list = field(default_factory=list)
    age: list = field(default_factory=list)
    cost: list = field(default_factory=list)


def simulate(stage, arrivals):
    """Runs the stage over `arrivals`, messages per minute."""
    run = Run()
    running, starting, backlog, cost = stage.minimum, [], 0.0, 0.0
    above = below = 0
    since_out = since_in = WEEK
    waiting = []  # (minute of arrival, messages), oldest at `oldest`
    oldest = 0
    for minute, arriving in enumerate(arrivals):
        ready = [count for due, count in starting if due <= minute]
        starting = [(due, count) for due, count in starting if due > minute]
        running += sum(ready)

        backlog += arriving
        if arriving:
            waiting.append([minute, arriving])
        capacity = running * stage.rate
        while capacity > 0 and oldest < len(waiting):
            taken = min(capacity, waiting[oldest][1])
            waiting[oldest][1] -= taken
            capacity -= taken
            backlog -= taken
            if waiting[oldest][1] > 1e-9:
                break
            oldest += 1
        backlog = max(backlog, 0.0)

        paid = running + sum(count for _, count in starting)
        cost += paid * stage.cost_per_task_minute
        metric = backlog_per_task(backlog, 0, paid)
        above = above + 1 if metric > stage.target else 0
        below = below + 1 if metric < 0.9 * stage.target else 0
        since_out += 1
        since_in += 1

        if paid == 0 and backlog >= 1:  # the wake policy
            starting.append((minute + stage.start_minutes, 1))
            since_out = 0
        elif above >= stage.above_minutes and since_out >= stage.scale_out_minutes:
            more = desired(stage, backlog, paid) - paid
            if more > 0:
                starting.append((minute + stage.start_minutes, more))
                since_out = 0
        elif below >= stage.below_minutes and since_in >= stage.scale_in_minutes and not starting:
            fewer = running - desired(stage, backlog, running)
            if fewer > 0:
                # A task finishes what it holds before it goes: nothing is lost.
                running -= fewer
                since_in = 0

        run.arrivals.append(arriving)
        run.tasks.append(running)
        run.backlog.append(backlog)
        run.age.append(minute - waiting[oldest][0] + 1 if oldest < len(waiting) else 0)
        run.cost.append(cost)
    return run


def week(peak_per_minute):
    """Office hours on weekdays, a nightly batch, a burst on Wednesday, a quiet weekend."""
    for minute in range(WEEK):
        day, hour = divmod(minute, 1440)
        hour /= 60
        load = 0.02
        if day < 5 and 8 <= hour < 18:
            load += 0.6 * math.sin(math.pi * (hour - 8) / 10)
        if 2 <= hour < 2.5:
            load += 1.0
        if day == 2 and 12 <= hour < 12.25:
            load += 3.0
        yield peak_per_minute * load


def main():
    """Writes the plots and prints the figures of the README."""
    from pathlib import Path

    from plot import panels

    docs = Path(__file__).resolve().parent.parent / "docs"
    print("max tasks   messages  most waiting  longest wait  task hours     cost   of fixed")
    for maximum in (1, 10, 100, 1000):
        stage = Stage(minimum=1 if maximum == 1 else 0, maximum=maximum)
        # A peak that two thirds of the tasks work off; the burst is four times that.
        run = simulate(stage, list(week(stage.rate * maximum * 2 / 3)))
        hours = run.cost[-1] / stage.cost_per_task_minute / 60
        print(f"{maximum:9,} {sum(run.arrivals):10,.0f} {max(run.backlog):13,.0f} {max(run.age):9,} min "
              f"{hours:11,.0f} {run.cost[-1]:8,.2f} $ {hours / (maximum * 168):9.0%}")
        title = f"A week with up to {maximum:,} task{'s' if maximum > 1 else ''}"
        (docs / f"scaling-{maximum}.svg").write_text(panels(title, [
            ("arriving, messages per minute", run.arrivals),
            ("tasks", run.tasks),
            ("backlog, messages", run.backlog),
            ("age of the oldest message, minutes", run.age),
            ("cost, dollars", run.cost),
        ]))


if __name__ == "__main__":
    main()
