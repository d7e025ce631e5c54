//! A thread that writes regions, in turns.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::turns::Turns;
use crate::parcel::Parcel;

/// What a parcel takes beside its bytes while it waits: its place in a queue, which doubles when it is full.
pub(super) const PARCEL_PLACE_BYTES: u64 = 128;
const _: () = assert!(2 * size_of::<(Order, u64)>() as u64 <= PARCEL_PLACE_BYTES);

/// What an impeller is to do with a region.
#[derive(Debug)]
pub(super) enum Order {
    /// Write the blobs of a parcel.
    Write(Parcel),
    /// Have all of it on the disk, under its name.
    Seal,
}

/// A region that an impeller writes.
pub(super) trait Work: Send + 'static {
    /// Does what is ordered. What fails is told to whoever waits for it, not to the impeller.
    fn turn(&mut self, order: Order);

    /// A turn has panicked, which is not expected.
    fn panicked(&mut self, panic: &(dyn Any + Send));
}

/// A thread with a bounded queue. It ends when this is dropped, and what is queued then is not done.
#[derive(Debug)]
pub(super) struct Impeller {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    /// There is an order, or no more will come.
    has_order: Condvar,
    /// An order is done: there may be room, or a lane in which nothing is at work.
    is_done: Condvar,
}

struct State {
    turns: Turns<Order>,
    /// By their lanes. One that is at work is not here.
    works: BTreeMap<u64, Box<dyn Work>>,
    has_ended: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("turns", &self.turns)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}

impl Impeller {
    /// Starts the thread, with a queue of so many bytes.
    pub(super) fn start(name: String, queue_bytes: u64) -> io::Result<Self> {
        let state = State { turns: Turns::new(queue_bytes), works: BTreeMap::new(), has_ended: false };
        let queue =
            Arc::new(Queue { state: Mutex::new(state), has_order: Condvar::new(), is_done: Condvar::new() });
        let thread = thread::Builder::new().name(name).spawn({
            let queue = Arc::clone(&queue);
            move || queue.run()
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// How many regions it has.
    pub(super) fn lane_count(&self) -> usize {
        self.queue.lock().turns.lane_count()
    }

    /// Gives it a region.
    pub(super) fn attach(&self, work: Box<dyn Work>) -> Lane {
        let mut state = self.queue.lock();
        let number = state.turns.attach();
        state.works.insert(number, work);
        Lane { queue: Arc::clone(&self.queue), number }
    }
}

impl Drop for Impeller {
    fn drop(&mut self) {
        self.queue.lock().has_ended = true;
        self.queue.has_order.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has caught all panics.
            let _ = thread.join();
        }
    }
}

impl Queue {
    /// A panic within the lock would be a mistake here, and leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.has_ended {
            let Some((lane, order)) = state.turns.next() else {
                state = self.has_order.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let work = state.works.remove(&lane);
            drop(state);
            let work = work.map(|work| take_turn(work, order));
            state = self.lock();
            if let Some(work) = work {
                state.works.insert(lane, work);
            }
            state.turns.done(lane);
            self.is_done.notify_all();
        }
    }
}

fn take_turn(mut work: Box<dyn Work>, order: Order) -> Box<dyn Work> {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work.turn(order))) {
        work.panicked(&*panic);
    }
    work
}

/// A region at its impeller. Dropping it waits until nothing is at work, and takes the region away.
#[derive(Debug)]
pub(super) struct Lane {
    queue: Arc<Queue>,
    number: u64,
}

impl Lane {
    /// Orders something, once there is room for so many bytes, and says how long there was none.
    pub(super) fn order(&self, order: Order, bytes: u64) -> Duration {
        let mut state = self.queue.lock();
        let mut full_since = None;
        while !state.turns.has_room(self.number, bytes) {
            full_since.get_or_insert_with(Instant::now);
            state = self.queue.is_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.turns.push(self.number, order, bytes);
        self.queue.has_order.notify_one();
        full_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        while !state.turns.clear(self.number) {
            state = self.queue.is_done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.turns.detach(self.number);
        let work = state.works.remove(&self.number);
        drop(state);
        drop(work);
    }
}
