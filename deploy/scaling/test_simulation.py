"""The scaling arithmetic, and what follows from it over a week."""

import unittest

from plot import panels, thinned
from simulation import WEEK, Stage, backlog_per_task, desired, simulate, week


class Arithmetic(unittest.TestCase):
    def test_the_target_is_what_a_task_works_off_within_the_latency(self):
        # The same figures as in modules/stage/tests.
        self.assertEqual(Stage(latency_seconds=300, seconds_per_message=6, concurrency=4).target, 200)
        self.assertEqual(Stage(latency_seconds=1, seconds_per_message=1, concurrency=1).target, 1)

    def test_what_is_in_flight_counts_and_no_task_is_no_division_by_zero(self):
        self.assertEqual(backlog_per_task(30, 10, 4), 10)
        self.assertEqual(backlog_per_task(5, 0, 0), 5)

    def test_as_many_tasks_as_bring_the_backlog_to_the_target(self):
        stage = Stage(maximum=100)
        self.assertEqual(desired(stage, stage.target * 7, 1), 7)
        self.assertEqual(desired(stage, stage.target * 7 + 1, 3), 8)

    def test_the_bounds_hold(self):
        stage = Stage(minimum=2, maximum=5)
        self.assertEqual(desired(stage, 0, 4), 2)
        self.assertEqual(desired(stage, 1e9, 4), 5)


class Week(unittest.TestCase):
    def test_every_message_is_accounted_for(self):
        stage = Stage(minimum=0, maximum=10)
        load = list(week(stage.rate * 3)) + [0] * 600
        run = simulate(stage, load)
        self.assertLess(run.backlog[-1], 1)
        self.assertLessEqual(max(run.tasks), 10)

    def test_one_message_wakes_a_sleeping_stage_and_it_sleeps_again(self):
        run = simulate(Stage(minimum=0), [0] * 10 + [1] + [0] * 120)
        self.assertEqual(run.tasks[9], 0)
        self.assertEqual(max(run.tasks), 1)
        self.assertLessEqual(max(run.age), 3)
        self.assertEqual(run.tasks[-1], 0)

    def test_a_steady_load_does_not_flap(self):
        stage = Stage(minimum=1, maximum=50)
        run = simulate(stage, [stage.rate * 0.8] * 1440)
        self.assertEqual(set(run.tasks), {1})

    def test_a_hundred_times_the_load_costs_about_a_hundred_times_as_much(self):
        def cost(maximum):
            stage = Stage(minimum=0, maximum=maximum)
            return simulate(stage, list(week(stage.rate * maximum * 2 / 3))).cost[-1]
        self.assertAlmostEqual(cost(1000) / cost(10) / 100, 1, delta=0.35)

    def test_scaling_costs_less_than_running_all_the_time(self):
        stage = Stage(minimum=0, maximum=100)
        run = simulate(stage, list(week(stage.rate * 66)))
        self.assertLess(run.cost[-1], 0.5 * stage.cost_per_task_minute * 100 * WEEK)


class Plot(unittest.TestCase):
    def test_a_peak_outlives_thinning(self):
        self.assertIn(9, thinned([0] * 5000 + [9] + [0] * 5000))

    def test_a_plot_is_well_formed(self):
        from xml.etree import ElementTree
        ElementTree.fromstring(panels("a < b", [("x & y", [0, 1, 2])]))


if __name__ == "__main__":
    unittest.main()
