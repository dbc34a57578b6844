//! Middles and spreads.

use std::time::Duration;

/// The value that a share of all values does not exceed (nearest rank). Zero when there are none.
/// `ascending` is sorted.
pub(crate) fn percentile(ascending: &[Duration], share: f64) -> Duration {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    let index = rank.clamp(1, ascending.len().max(1)) - 1;
    ascending.get(index).copied().unwrap_or_default()
}

/// The middle of several rounds and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The median; of an even number, the mean of the two in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

/// `None` without values.
pub(crate) fn summarize(values: impl Iterator<Item = f64>) -> Option<Summary> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (min, max) = (*values.first()?, *values.last()?);
    let (lower, upper) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    Some(Summary {
        median: (lower + upper) / 2.0,
        min,
        max,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Summary, percentile, summarize};

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&values, 0.5), Duration::from_micros(100));
        assert_eq!(percentile(&values, 0.99), Duration::from_micros(198));
        assert_eq!(percentile(&values, 1.0), Duration::from_micros(200));
        assert_eq!(percentile(&values[..1], 0.5), Duration::from_micros(1));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn the_median_ignores_the_order_and_one_outlier() {
        let expected = Summary {
            median: 3.0,
            min: 1.0,
            max: 900.0,
        };
        let odd = summarize([900.0, 3.0, 1.0].into_iter());
        assert_eq!(odd, Some(expected));
        let even = summarize([4.0, 1.0, 2.0, 900.0].into_iter());
        assert_eq!(even, Some(expected));
        assert_eq!(summarize(std::iter::empty()), None);
    }
}
