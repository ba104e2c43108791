//! Seconds in buckets, from milliseconds to the hours that a large file takes.

/// Upper bounds of the buckets in seconds; beyond the last there is one more.
pub(super) const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1_800.0, 7_200.0];

/// Seconds in buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Histogram {
    buckets: [u64; BOUNDS.len() + 1],
    /// Of all.
    pub(super) sum: f64,
    /// How many.
    pub(super) count: u64,
}

impl Histogram {
    pub(super) fn observe(&mut self, seconds: f64) {
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        self.buckets[bucket.unwrap_or(BOUNDS.len())] += 1;
        self.sum += seconds;
        self.count += 1;
    }

    /// The bounds, and how many are at or below each.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut below = 0;
        BOUNDS.iter().zip(self.buckets).map(move |(bound, count)| {
            below += count;
            (*bound, below)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_what_is_at_or_below_their_bound() {
        let mut histogram = Histogram::default();
        for seconds in [0.005, 0.3, 9_000.0] {
            histogram.observe(seconds);
        }
        let cumulative: Vec<_> = histogram.cumulative().collect();
        assert_eq!(cumulative[0], (0.005, 1));
        assert_eq!(cumulative[6], (0.5, 2));
        assert_eq!(cumulative[13], (7_200.0, 2));
        assert_eq!(histogram.count, 3);
    }
}
