//! Latency as a picture of text: a line for each of the steps 1, 2 and 5 of every power of ten.

use hdrhistogram::Histogram;

/// Characters of the longest bar.
const WIDTH: u64 = 48;
/// A bar's last character, by eighths.
const PARTS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The lines of the picture; none of nothing.
pub(crate) fn lines(histogram: &Histogram<u64>) -> Vec<String> {
    let bounds = bounds();
    let mut counts = vec![0_u64; bounds.len()];
    for step in histogram.iter_recorded() {
        let index = bounds.partition_point(|bound| *bound < step.value_iterated_to());
        if let Some(count) = counts.get_mut(index) {
            *count += step.count_since_last_iteration();
        }
    }
    let all = histogram.len().max(1);
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let steps: Vec<_> = bounds.into_iter().zip(counts).collect();
    let first = steps.iter().position(|(_, count)| *count > 0);
    let last = steps.iter().rposition(|(_, count)| *count > 0);
    let shown = first.zip(last).and_then(|(first, last)| steps.get(first..=last)).unwrap_or_default();
    let line = |(bound, count): &(u64, u64)| {
        let percent = 100.0 * *count as f64 / all as f64;
        format!("  <= {:>7}  {} {percent:.2} %", time(*bound as f64 / 1e3), bar(*count, most))
    };
    shown.iter().map(line).collect()
}

/// What ends each step, in nanoseconds: up to more than a histogram has.
fn bounds() -> Vec<u64> {
    (3..13).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power))).collect()
}

/// As long as its share of the most; what is not nothing is seen.
fn bar(count: u64, most: u64) -> String {
    // At most `WIDTH` x 8, since a count is not above the most.
    let eighths = (u128::from(count) * u128::from(WIDTH * 8)).div_ceil(u128::from(most)) as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).and_then(|part| PARTS.get(part)));
    bar
}

/// In a unit in which it is short.
pub(crate) fn time(us: f64) -> String {
    let (value, unit) = match us {
        1e6.. => (us / 1e6, "s"),
        1e3.. => (us / 1e3, "ms"),
        _ => (us, "us"),
    };
    let digits = if value >= 99.95 || value.fract() < 0.005 { 0 } else { 1 };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::histogram;

    #[test]
    fn each_step_is_a_line_and_what_is_rare_is_seen() {
        let mut latencies = histogram();
        latencies.record_n(90_000, 980).unwrap();
        latencies.record_n(150_000, 19).unwrap();
        latencies.record_n(3_000_000, 1).unwrap();
        let lines = lines(&latencies);
        assert_eq!(lines.len(), 6, "{lines:#?}");
        assert_eq!(lines[0], format!("  <=  100 us  {} 98.00 %", "█".repeat(48)));
        assert_eq!(lines[1], "  <=  200 us  █ 1.90 %");
        assert_eq!(lines[2], "  <=  500 us   0.00 %");
        assert_eq!(lines[5], "  <=    5 ms  ▏ 0.10 %");
    }

    #[test]
    fn nothing_and_the_extremes_are_pictures_too() {
        assert!(lines(&histogram()).is_empty());
        let mut latencies = histogram();
        latencies.saturating_record(0);
        latencies.saturating_record(u64::MAX);
        let drawn = lines(&latencies);
        assert!(
            drawn.first().unwrap().contains("1 us") && drawn.last().unwrap().contains("2000 s"),
            "{drawn:#?}"
        );
    }

    #[test]
    fn times_are_short() {
        let times = [0.95, 26.04, 105.0, 999.999, 1_500.0, 8e6].map(time);
        assert_eq!(times, ["0.9 us", "26.0 us", "105 us", "1000 us", "1.5 ms", "8 s"]);
    }
}
