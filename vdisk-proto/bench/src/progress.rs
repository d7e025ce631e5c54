//! How far a run is, on the standard error of whoever looks.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const A_ROUND: u64 = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A bar, or nothing if nobody looks.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(is_quiet: bool) -> Self {
        let target = if is_quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("[{bar:40}] {percent} %, {eta} to go");
        let bar = ProgressBar::with_draw_target(None, target);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// There are so many rounds.
    pub(crate) fn begin(&self, rounds: usize) {
        self.0.set_length(A_ROUND * rounds as u64);
    }

    /// A round is done.
    pub(crate) fn next(&self) {
        self.0.set_position((self.0.position() / A_ROUND + 1) * A_ROUND);
    }

    /// So much of the run is done.
    pub(crate) fn reached(&self, part: usize, whole: usize) {
        self.0.set_position(A_ROUND * part as u64 / whole.max(1) as u64);
    }

    /// Waits for something in a round that began then, and will take about as long.
    pub(crate) async fn meanwhile<T>(
        &self,
        future: impl Future<Output = T>,
        begin: Instant,
        takes: Option<Duration>,
    ) -> T {
        let mut future = pin!(future);
        let done = self.0.position() / A_ROUND * A_ROUND;
        loop {
            tokio::select! {
                biased;
                output = &mut future => return output,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let whole = takes.map_or(u128::MAX, |takes| takes.as_nanos().max(1));
                    let part = begin.elapsed().as_nanos() * u128::from(A_ROUND) / whole;
                    self.0.set_position(done + u64::try_from(part).unwrap_or(A_ROUND).min(A_ROUND - 1));
                }
            }
        }
    }

    /// The run is done.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
